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
    found = []
    runs = _runs(data, at, width)
    first = after = start = 0
    packed = False
    for place in places:
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
    parts = []
    for first, after, is_packed, start in _runs(data, at, width):
        if is_packed:
            end = start + (after - first) * width // BYTE_BITS
            if end > len(data):
                raise IndexError("the numbers end early")
            bits = np.unpackbits(np.frombuffer(data[start:end], np.uint8), bitorder="little")
            parts.append(np.packbits(bits.reshape(-1, width), axis=1, bitorder="little").tobytes())
        else:
            parts.append(bytes([_bits(data, start, 0, width)]) * min(after - first, count - first))
        if after >= count:
            break
    return b"".join(parts)[:count]


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


def _runs(data: bytes, at: int, width: int) -> Iterator[_Run]:
    """Without an end of their own: whoever asks on beyond the data gets IndexError."""
    first = 0
    while True:
        header, at = read_varint(data, at)
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
