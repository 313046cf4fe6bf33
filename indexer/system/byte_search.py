"""Where some bytes stand in many: by the C library where that is rare, by numpy where it is not.

``memmem`` skips by pairs of letters and costs a call a place. Numpy compares words of memory: of
seven bytes in a row four are one word, which lies on a multiple of four, wherever the seven stand.
So each word there is compared with the four that it can be, and the other bytes are looked at where
it is one of them. Words of two bytes are compared less often, and found more often.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

DENSE_BYTES = 4_096
"""Where a needle stands more often than once in so many, numpy goes on."""
SHORT_BYTES = 8
"""A needle of which memmem skips little: numpy takes half the time (measured)."""
WORD_SIZES = (2, 4)
"""Bytes of a word, unless the needle is shorter than any has to be for it."""
_JUDGED = 32
"""Places that are found between two looks at how dense they are."""
_BLOCK_WORDS = 1 << 19
"""Compared at a time, so that what is compared stays in the processor's cache."""
_SAMPLE_BYTES = 4 << 10
"""In which the rarest words are looked for."""
_PASS_PLACES = 2
"""Places in the sample that take as long to look at as all content takes to compare once."""
_COMPARED_BYTES = 16
"""Of the needle, among which words are chosen."""
_LOOKED_AT_BYTES = 512
"""From where the first letter of a needle stands: as long as looking for the next one takes."""
_FREQUENT_BYTES = 8 << 10
"""Where a letter is found anew in fewer, looking from one to the next takes as long as all."""
_EIGHT = 8

_Words = npt.NDArray[np.unsignedinteger[Any]]
Search = Callable[[int, int, int, int], int | None]
"""memmem(3): address and length of the many, address and length of the few."""


def find_all(content: Bytes, needle: bytes, *, most: int) -> Places | None:
    """Where the needle begins, in order, overlaps too; None where that is at more places."""
    found, begin = list[int](), 0
    if _MEMMEM is not None and len(needle) > SHORT_BYTES:
        found, begin = _by_memmem(_MEMMEM, content, needle, most)
    parts = [np.array(found, np.int64)]
    count = len(found)
    for part in _by_words(content[begin:], needle):
        count += len(part)
        if count > most:
            break
        parts.append(begin + part)
    return np.concatenate(parts) if count <= most else None


def stands_anywhere(content: Bytes, needle: bytes) -> bool:
    """Whether the needle does; it is not looked for where its first letter is frequent: it may.

    From one such letter it is looked for in as many bytes, and then for the next letter.
    """
    if _MEMCHR is None or _MEMMEM is None:
        return True
    at, few, length = content.ctypes.data, _address(needle), len(needle)
    end = at + len(content)
    for _ in range(len(content) // _FREQUENT_BYTES + 1):
        found = _MEMCHR(at, needle[0], end - at)
        if found is None:
            return False
        at = min(found + _LOOKED_AT_BYTES, end)
        if _MEMMEM(found, min(at + length - 1, end) - found, few, length) is not None:
            return True
        if at == end:
            return False
    return True


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


def _by_words(content: Bytes, needle: bytes) -> Iterator[Places]:
    """All places in order, some at a time."""
    inside = _rarest(content[:_SAMPLE_BYTES].tobytes(), needle[:_COMPARED_BYTES])
    size = len(inside)
    begin = -content.ctypes.data % size
    words: _Words = content[begin : begin + (len(content) - begin) // size * size].view(f"u{size}")
    sought = [words.dtype.type(int.from_bytes(needle[at : at + size], "little")) for at in inside]
    for places in _places_of(words, sought):
        begins = begin - inside.start + places * size
        if size > 1:
            begins = _ordered(begins, words[places], sought)
        yield _with_all_of(content, needle, begins)


def _places_of(words: _Words, sought: Sequence[Any]) -> Iterator[Places]:
    """The places of words that are one of those, in order, some at a time."""
    held, is_one = np.empty((2, min(len(words), _BLOCK_WORDS)), np.bool_)
    for first in range(0, len(words), _BLOCK_WORDS):
        block = words[first : first + _BLOCK_WORDS]
        count = len(block)
        np.equal(block, sought[0], out=held[:count])
        for word in sought[1:]:
            np.equal(block, word, out=is_one[:count])
            np.logical_or(held[:count], is_one[:count], out=held[:count])
        if held[:count].any():
            yield first + _true_places(held[:count])


def _true_places(held: npt.NDArray[np.bool_]) -> Places:
    """Where it holds, eight at a time: it does so at few places."""
    whole = len(held) // _EIGHT * _EIGHT
    eights = held[:whole].view(np.uint64)
    some = np.flatnonzero(eights != 0)
    inside = np.flatnonzero(eights[some].view(np.bool_))
    places = some[inside // _EIGHT] * _EIGHT + inside % _EIGHT
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
_MEMCHR: Callable[[int, int, int], int | None] | None = _of_library(
    "memchr", [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
)
