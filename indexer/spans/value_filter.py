"""A filter of values: it has all that were put into it, and of others one in a hundred. Pure.

A Bloom filter in blocks of 256 bits: one block a value, and six bits in it. Hashes are of the value
alone, the same on every machine and in every release that says the same ``HASH_VERSION``.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from indexer.spans.identifiers import UInt64Array

HASH_VERSION = 1
"""Of all that is below: what another version has made says nothing."""
PREFIX_BYTES = 64
"""Of a text, as UTF-8, that its hash is of: longer ones that begin alike are alike here."""
VALUES_MAX = 40_000
"""Distinct values of one filter, about: with more, one in ten others would be taken for them."""
FILTER_BYTES_MAX = 32 << 10
"""Of one filter: at 12 bits, 21,000 values."""

_BITS_PER_VALUE = 12
_BLOCK_BITS = 256
_BITS_IN_BLOCK = 6
_BLOCK_SHIFT = np.uint64(48)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FOLD = np.uint64(29)
_WORDS = PREFIX_BYTES // 8
_SLOTS = 1 << 17
_SLOT_SHIFT = np.uint64(64 - 17)
"""Where hashes are put by their highest bits, to count them, and to find those that are there more
than once."""
_TEXT, _NUMBER, _TRUTH = 1, 2, 3
"""What values of different types begin with, so that they differ."""


def hash_prefixes(words: Sequence[UInt64Array], lengths: npt.NDArray[np.uint64]) -> UInt64Array:
    """Of texts by the words of their first bytes, ``lengths`` of each, zeros beyond them.

    Words that no text reaches need not be there.
    """
    mixed = _mixed(words, lengths * np.uint64(4) + np.uint64(_TEXT))
    for _ in range(len(words), _WORDS):
        _mix(mixed)
    return mixed


def hash_text(text: str) -> UInt64Array:
    """Of one text, as an array of one."""
    content = text.encode("utf-8", "replace")[:PREFIX_BYTES]
    prefix = np.frombuffer(content.ljust(PREFIX_BYTES, b"\0"), "<u8")
    return hash_prefixes(list(prefix.reshape(_WORDS, 1)), np.array([len(content)], np.uint64))


def hash_numbers(numbers: npt.NDArray[np.float64]) -> UInt64Array:
    """Of doubles; both zeros are one."""
    words = (numbers.astype("<f8") + 0.0).view("<u8")
    return _mixed([words], np.full(len(numbers), _NUMBER, np.uint64))


def hash_truths(truths: npt.NDArray[np.bool_]) -> UInt64Array:
    """Of true and false."""
    return _mixed([truths.astype(np.uint64)], np.full(len(truths), _TRUTH, np.uint64))


def make_filter(hashes: UInt64Array) -> bytes | None:
    """The filter of these; None where they are too many for one. That of none is empty."""
    count = distinct_count(hashes)
    if count > VALUES_MAX:
        return None
    blocks = -(-count * _BITS_PER_VALUE // _BLOCK_BITS)
    bits = np.zeros(min(blocks * _BLOCK_BITS, FILTER_BYTES_MAX * 8), np.bool_)
    if count:
        some = distinct_hashes(hashes) if 2 * count < len(hashes) else hashes
        for places in _places(some, len(bits)):
            bits[places] = True
    return np.packbits(bits).tobytes()


def distinct_count(hashes: UInt64Array) -> int:
    """How many there are, each counted once: to one in ten, and the same in any order.

    By linear counting (Whang, Vander-Zanden and Taylor, 1990), in a twentieth of the time that it
    takes to tell them apart. Whole numbers one after the other, which spread too well, count for a
    few more (both measured). Hashes that fill all slots are as many as those.
    """
    held = np.zeros(_SLOTS, np.bool_)
    held[(hashes >> _SLOT_SHIFT).astype(np.intp)] = True
    share = np.count_nonzero(held) / _SLOTS
    return _SLOTS if share == 1 else round(-_SLOTS * math.log1p(-share))


def distinct_hashes(hashes: UInt64Array) -> UInt64Array:
    """Each once, in some order: of those in one slot, all but one are sorted.

    ``numpy.unique`` takes twenty times as long, sorting all of them three times (measured).
    """
    slots = (hashes >> _SLOT_SHIFT).astype(np.intp)
    every = np.arange(len(hashes), dtype=np.uint32)
    last = np.empty(_SLOTS, np.uint32)
    last[slots] = every
    there = last[slots]
    others = np.sort(hashes[hashes[there] != hashes])
    is_first = np.ones(len(others), np.bool_)
    is_first[1:] = others[1:] != others[:-1]
    return np.concatenate([hashes[there == every], others[is_first]])


def may_contain(content: bytes, one: UInt64Array) -> bool:
    """Whether the value of a hash, an array of one, may have been put into the filter."""
    if not content:
        return False
    places = [int(place[0]) for place in _places(one, len(content) * 8)]
    return all(content[place >> 3] >> (7 - (place & 7)) & 1 for place in places)


def _places(hashes: UInt64Array, bits: int) -> Iterator[npt.NDArray[np.int64]]:
    """The bits of all hashes, one of each after the other.

    The block by the 16 highest bits of a hash, and a byte of it for each bit.
    """
    blocks = (hashes >> _BLOCK_SHIFT) % np.uint64(bits // _BLOCK_BITS)
    first = blocks.astype(np.int64) * _BLOCK_BITS
    inside = hashes.astype("<u8").view(np.uint8).reshape(-1, 8)
    for at in range(_BITS_IN_BLOCK):
        yield first + inside[:, at]


def _mixed(words: Sequence[UInt64Array], seeds: UInt64Array) -> UInt64Array:
    """One hash of the words at each place."""
    mixed = seeds * _MULTIPLIER
    for word in words:
        mixed ^= word
        _mix(mixed)
    return mixed


def _mix(mixed: UInt64Array) -> None:
    """In place."""
    mixed *= _MULTIPLIER
    mixed ^= mixed >> _FOLD
