"""Where some bytes stand in many: by the C library where that is rare, by numpy where it is not.

``memmem`` skips by pairs of letters and costs a call a place. Numpy compares words of memory: of
seven bytes in a row four are one word, which lies on a multiple of four, wherever the seven stand.
So each word there is compared with the four that it can be, and the other bytes are looked at where
it is one of them. Words of two bytes are compared less often, and found more often. Which search
was the right one is kept for the next part of the same bytes, mostly of the same kind.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

DENSE_BYTES = 24 << 10
"""Where a needle stands more often than once in so many, numpy goes on."""
SHORT_BYTES = 8
"""A needle of which memmem skips little: numpy takes half the time (measured)."""
WORD_SIZES = (2, 4)
"""Bytes of a word, unless the needle is shorter than any has to be for it."""
_JUDGED = 32
"""Places that are found between two looks at how dense they are."""
_BLOCK_WORDS = 1 << 17
"""Compared at a time, so that what is compared stays in the processor's cache."""
_PART_WORDS = 1 << 21
"""Compared before places are looked at: each look has steps that take the same for few of them."""
_SAMPLE_BYTES = 4 << 10
"""In which the rarest words are looked for."""
_PASS_PLACES = 2
"""Places in the sample that take as long to look at as all content takes to compare once."""
_COMPARED_BYTES = 16
"""Of the needle, among which words are chosen."""
_LOOKED_AT_BYTES = 256
"""From where the first letter of a needle stands: as long as looking for the next one takes."""
_FREQUENT_BYTES = 16 << 10
"""Where a letter is found anew in fewer, looking from one to the next takes as long as all."""
_COPIED_BYTES = 1 << 17
"""Copied at a time, so that the copy stays in the processor's cache."""
_OTHERS_IN_SAMPLE = 8
"""Places that were looked at in vain, of as many bytes as a sample has: with more, words are chosen
anew."""
_WAYS = 256
"""Needles of which it is kept how they were looked for."""
_EIGHT = 8

_Words = npt.NDArray[np.unsignedinteger[Any]]
Search = Callable[[int, int, int, int], int | None]
"""memmem(3): address and length of the many, address and length of the few."""


class _Way:
    """How one needle was looked for last."""

    def __init__(self) -> None:
        self.is_dense = False
        self.inside: range | None = None
        """Where in it the words begin that are compared; None where they are to be chosen."""


def find_all(content: Bytes, needle: bytes, *, most: int) -> Places | None:
    """Where the needle begins, in order, overlaps too; None where that is at more places."""
    found, begin, way = list[int](), 0, _way_of(needle)
    if _MEMMEM is not None and len(needle) > SHORT_BYTES and not way.is_dense:
        found, begin = _by_memmem(_MEMMEM, content, needle, most)
    parts = [np.array(found, np.int64)]
    count = len(found)
    for part in _by_words(content[begin:], needle, way):
        count += len(part)
        if count > most:
            break
        parts.append(begin + part)
    way.is_dense = count * DENSE_BYTES > len(content)
    return np.concatenate(parts) if count <= most else None


def stands_anywhere(content: Bytes, needle: bytes) -> bool:
    """Whether the needle does; it is not looked for where its first letter is frequent: it may.

    From one such letter it is looked for in as many bytes, and then for the next letter: in copies,
    because a method of bytes is called in a fourth of the time that a function of C takes.
    """
    first, beyond = needle[:1], len(needle) - 1
    looks = len(content) // _FREQUENT_BYTES + 1
    for begin in range(0, len(content), _COPIED_BYTES):
        some = content[begin : begin + _COPIED_BYTES + beyond].tobytes()
        at = some.find(first, 0, _COPIED_BYTES)
        while at >= 0:
            end = at + _LOOKED_AT_BYTES
            if not looks or some.find(needle, at, end + beyond) >= 0:
                return True
            looks -= 1
            at = some.find(first, end, _COPIED_BYTES)
    return False


def windows(content: Bytes, places: Places, width: int) -> Bytes:
    """What stands at places in order, one row of ``width`` bytes each; zeros beyond the end."""
    is_whole = places <= len(content) - width
    whole = places[: np.count_nonzero(is_whole)]
    every = np.ndarray(max(0, len(content) - width + 1), f"V{width}", content, 0, (1,))
    found: Bytes = every[whole].view(np.uint8).reshape(len(whole), width)
    if len(whole) == len(places):
        return found
    rest = [content[place:].tobytes().ljust(width, b"\0") for place in places[len(whole) :]]
    ends = np.frombuffer(b"".join(rest), np.uint8).reshape(len(rest), width)
    return np.concatenate([found, ends])


@lru_cache(_WAYS)
def _way_of(_needle: bytes) -> _Way:
    return _Way()


def _by_memmem(search: Search, content: Bytes, needle: bytes, most: int) -> tuple[list[int], int]:
    """(places up to one more than ``most``, where to go on because they are dense)."""
    begin, few, length = content.ctypes.data, _address(needle), len(needle)
    last = begin + len(content)
    found: list[int] = []
    at = search(begin, len(content), few, length)
    while at is not None:
        found.append(at - begin)
        if len(found) > most:
            break
        if not len(found) % _JUDGED and found[-1] - found[-_JUDGED] < _JUDGED * DENSE_BYTES:
            return found, found[-1] + 1
        at = search(at + 1, last - at - 1, few, length)
    return found, len(content)


def _by_words(content: Bytes, needle: bytes, way: _Way) -> Iterator[Places]:
    """All places in order, some at a time."""
    inside = way.inside or _rarest(content[:_SAMPLE_BYTES].tobytes(), needle[:_COMPARED_BYTES])
    size = len(inside)
    begin = -content.ctypes.data % size
    words: _Words = content[begin : begin + (len(content) - begin) // size * size].view(f"u{size}")
    sought = [words.dtype.type(int.from_bytes(needle[at : at + size], "little")) for at in inside]
    looked_at = found = 0
    for places in _places_of(words, sought):
        begins = begin - inside.start + places * size
        if size > 1:
            begins = _ordered(begins, words[places], sought)
        at = _with_all_of(content, needle, begins)
        looked_at, found = looked_at + len(begins), found + len(at)
        yield at
    others = (looked_at - found) * _SAMPLE_BYTES
    way.inside = inside if others <= _OTHERS_IN_SAMPLE * len(content) else None


def _places_of(words: _Words, sought: Sequence[Any]) -> Iterator[Places]:
    """The places of words that are one of those, in order, some at a time."""
    held = np.empty(min(len(words), _PART_WORDS), np.bool_)
    is_one = np.empty(min(len(words), _BLOCK_WORDS), np.bool_)
    for first in range(0, len(words), _PART_WORDS):
        part = words[first : first + _PART_WORDS]
        found = held[: len(part)]
        for at in range(0, len(part), _BLOCK_WORDS):
            block, some = part[at : at + _BLOCK_WORDS], found[at : at + _BLOCK_WORDS]
            np.equal(block, sought[0], some)
            for word in sought[1:]:
                np.logical_or(some, np.equal(block, word, is_one[: len(block)]), some)
        if found.any():
            yield first + _true_places(found)


def _true_places(held: npt.NDArray[np.bool_]) -> Places:
    """Where it holds, eight at a time: it does so at few places."""
    whole = len(held) // _EIGHT * _EIGHT
    eights = held[:whole].view(np.uint64)
    some = np.flatnonzero(eights != 0)
    inside = np.flatnonzero(eights[some].view(np.bool_))
    places = (some[inside >> 3] << 3) + (inside & 7)
    return np.concatenate([places, np.flatnonzero(held[whole:]) + whole])


def _ordered(begins: Places, found: _Words, sought: Sequence[Any]) -> Places:
    """Where a needle would begin whose first word was sought begins at ``begins``.

    Of each place the word that was found tells which one it is.
    """
    if len(set(sought)) < len(sought):
        several = [begins[found == word] - at for at, word in enumerate(sought)]
        return np.unique(np.concatenate(several))
    for at, word in enumerate(sought[1:], 1):
        begins -= (found == word) * np.int64(at)
    return begins if (begins[1:] > begins[:-1]).all() else np.unique(begins)


def _with_all_of(content: Bytes, needle: bytes, places: Places) -> Places:
    """Those of the places where the needle stands, by eight letters at a time if it has them."""
    last = len(needle) - _EIGHT
    if len(places) and (places[0] < 0 or places[-1] > len(content) - len(needle)):
        places = places[(places >= 0) & (places <= len(content) - len(needle))]
    if last < 0:
        for at, letter in enumerate(needle):
            places = places[content[places + at] == letter]
        return places
    eights = np.ndarray(max(0, len(content) - _EIGHT + 1), np.uint64, content, 0, (1,))
    for at in sorted({*range(0, last, _EIGHT), last}):
        eight = np.frombuffer(needle, np.uint64, 1, at)
        places = places[eights[places + at] == eight]
    return places


def _rarest(sample: bytes, needle: bytes) -> range:
    """Where in the needle as many words in a row begin as one has bytes, by what they cost.

    One of these lies on a multiple of its size wherever the needle stands.
    """
    costs: dict[range, float] = {}
    for size in [one for one in WORD_SIZES if 2 * one - 1 <= len(needle)] or [1]:
        counts = [sample.count(needle[at : at + size]) for at in range(len(needle) - size + 1)]
        for at in range(len(counts) - size + 1):
            costs[range(at, at + size)] = size * _PASS_PLACES + sum(counts[at : at + size]) / size
    return min(costs, key=costs.__getitem__)


def _address(content: bytes) -> int:
    """Of the first byte, while somebody holds the bytes."""
    return ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p).value or 0


def _of_library(name: str, arguments: list[type]) -> Any:
    """A function that gives an address; None where the C library has none of the name."""
    function = getattr(ctypes.PyDLL(None), name, None)
    if function is not None:
        function.argtypes = arguments
        function.restype = ctypes.c_void_p
    return function


_MEMMEM: Search | None = _of_library("memmem", [ctypes.c_void_p, ctypes.c_size_t] * 2)
"""Not of the C standard."""
