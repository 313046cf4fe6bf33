"""Parquet's hybrid of run lengths and bit-packing, read at a few places. Pure.

Dictionary codes and definition levels are stored in it (Parquet format, "Run Length Encoding /
Bit-Packing Hybrid"). A page has thousands of runs, and a trace wants a dozen numbers of them, so
runs are passed over and only the wanted numbers are taken out.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from indexer.parquet.thrift import read_varint

WIDTH_MAX = 32
BYTE_BITS = 8
_LONG = 0x80
"""A header from this on goes on in the next byte; most runs are short."""

_Run = tuple[int, int, bool, int]
"""(first place, place after it, whether it is bit-packed, byte where its numbers begin)."""


def numbers_at(data: bytes, at: int, width: int, places: Sequence[int]) -> list[int]:
    """The numbers of ``width`` bits at ascending places of the run that begins at byte ``at``.

    Raises IndexError or ValueError for bytes that do not hold them.
    """
    if not 0 <= width <= WIDTH_MAX:
        raise ValueError(f"numbers of {width} bits")
    if not width:
        return [0] * len(places)
    repeated = b""
    if width <= BYTE_BITS and places:
        repeated, at, _ = _repeated(data, at, width, places[-1] + 1)
    found = []
    runs = _runs(data, at, width, len(repeated))
    first = after = start = 0
    packed = False
    for place in places:
        if place < len(repeated):
            found.append(repeated[place])
            continue
        while place >= after:
            first, after, packed, start = next(runs)
        bit = (place - first) * width if packed else 0
        found.append(_bits(data, start, bit, width))
    return found


def single_number(data: bytes, at: int, width: int, count: int) -> int | None:
    """The number at each of the first ``count`` places, where one run of the same says it.

    None where several runs have to be read. Raises like ``numbers_at``.
    """
    if not 0 <= width <= WIDTH_MAX:
        raise ValueError(f"numbers of {width} bits")
    if not width:
        return 0
    _, after, is_packed, start = next(_runs(data, at, width))
    return None if is_packed or after < count else _bits(data, start, 0, width)


def all_numbers(data: bytes, at: int, width: int, count: int) -> bytes:
    """The numbers at the first ``count`` places, of 8 bits at most, a byte each.

    Raises like ``numbers_at``.
    """
    if not 0 < width <= BYTE_BITS:
        raise ValueError(f"numbers of {width} bits")
    repeated, at, left = _repeated(data, at, width, count)
    parts, mask = [repeated], (1 << width) - 1
    while left > 0:
        header = data[at]
        header, at = (header, at + 1) if header < _LONG else read_varint(data, at)
        length = header >> 1
        if not length:
            raise ValueError("a run of nothing")
        if header & 1:
            end = at + length * width
            parts.append(_unpacked(data, at, end, width))
            at, left = end, left - length * BYTE_BITS
        else:
            parts.append((data[at] & mask).to_bytes() * min(length, left))
            at, left = at + 1, left - length
    return b"".join(parts)[:count]


def _repeated(data: bytes, at: int, width: int, count: int) -> tuple[bytes, int, int]:
    """The numbers of the first runs, as far as each is one number again and again.

    And where the next run begins, and how many numbers are left. Rows that are sorted by trace have
    hundreds of such runs and few others, all with a header of one byte.
    """
    pairs = np.frombuffer(data, np.uint8, (len(data) - at) // 2 * 2, at).reshape(-1, 2)[:count]
    headers = pairs[:, 0]
    others = np.flatnonzero((headers & 1).astype(np.bool_) | (headers >= _LONG) | (headers == 0))
    lengths = headers[: others[0] if len(others) else None].astype(np.int64) >> 1
    ends = np.cumsum(lengths)
    runs = min(int(np.searchsorted(ends, count)) + 1, len(lengths))
    if not runs:
        return b"", at, count
    values = pairs[:runs, 1] & np.uint8((1 << width) - 1)
    return np.repeat(values, lengths[:runs]).tobytes(), at + 2 * runs, count - int(ends[runs - 1])


def _unpacked(data: bytes, start: int, end: int, width: int) -> bytes:
    """The numbers that are packed between two bytes, a byte each."""
    if end > len(data):
        raise IndexError("the numbers end early")
    bits = np.unpackbits(np.frombuffer(data[start:end], np.uint8), bitorder="little")
    numbers: bytes = np.packbits(bits.reshape(-1, width), axis=1, bitorder="little").tobytes()
    return numbers


def ranks(levels: bytes, rows: Sequence[int]) -> list[int | None]:
    """For ascending rows, how many values stand before each row's own; None for a row without.

    ``levels`` are definition levels of one bit: 1 where a row has a value. Raises like
    ``numbers_at``.
    """
    found: list[int | None] = []
    runs = _runs(levels, 0, 1)
    run: _Run = (0, 0, False, 0)
    before = 0
    for row in rows:
        while row >= run[1]:
            before += _ones(levels, run, run[1])
            run = next(runs)
        bit = row - run[0] if run[2] else 0
        present = _bits(levels, run[3], bit, 1)
        found.append(before + _ones(levels, run, row) if present else None)
    return found


def _runs(data: bytes, at: int, width: int, first: int = 0) -> Iterator[_Run]:
    """From that place on, without an end of their own: who asks beyond the data gets IndexError."""
    while True:
        header = data[at]
        header, at = (header, at + 1) if header < _LONG else read_varint(data, at)
        count = header >> 1
        if not count:
            raise ValueError("a run of nothing")
        packed = bool(header & 1)
        after = first + (count * 8 if packed else count)
        yield first, after, packed, at
        at += count * width if packed else (width + 7) // 8
        first = after


def _bits(data: bytes, start: int, bit: int, width: int) -> int:
    """The number whose lowest bit is so many bits after the start."""
    low, high = start + (bit >> 3), start + ((bit + width + 7) >> 3)
    if high > len(data):
        raise IndexError("the numbers end early")
    return (int.from_bytes(data[low:high], "little") >> (bit & 7)) & ((1 << width) - 1)


def _ones(levels: bytes, run: _Run, before: int) -> int:
    """How many rows of the run, before a place in it, have a value."""
    first, after, packed, start = run
    count = min(after, before) - first
    if not packed:
        return count * _bits(levels, start, 0, 1) if count else 0
    return (
        int.from_bytes(levels[start : start + (count + 7) // 8], "little") & ((1 << count) - 1)
    ).bit_count()
