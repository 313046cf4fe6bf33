"""Where some bytes stand in many: by the C library where that is rare, by numpy where it is not.

``memmem`` skips by pairs of letters and costs a call a place. Numpy compares the rarest letter at
every place, or the two that are rarest together, and the others where these are.
"""

import ctypes
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

DENSE_BYTES = 4_096
"""Where a needle stands more often than once in so many, numpy goes on."""
SHORT_BYTES = 4
"""A needle of which memmem skips little: numpy takes half the time (measured)."""
RARE_BYTES = 128
"""A letter that stands less often than once in so many is looked for alone."""
_JUDGED = 32
"""Places that are found between two looks at how dense they are."""
_BLOCK_BYTES = 1 << 20
"""Compared at a time, so that what is compared stays in the processor's cache."""
_WORD_BYTES = 8
_SAMPLE_BYTES = 8 << 10
"""In which the rarest letters are looked for."""

Search = Callable[[int, int, int, int], int | None]
"""memmem(3): address and length of the many, address and length of the few."""


def find_all(content: Bytes, needle: bytes, *, most: int) -> Places | None:
    """Where the needle begins, in order, overlaps too; None where that is at more places."""
    found, begin = list[int](), 0
    if _MEMMEM is not None and len(needle) > SHORT_BYTES:
        found, begin = _by_memmem(_MEMMEM, content, needle, most)
    parts = [np.array(found, np.int64)]
    count = len(found)
    for part in _by_numpy(content, needle, begin):
        count += len(part)
        if count > most:
            break
        parts.append(part)
    return np.concatenate(parts) if count <= most else None


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


def _by_numpy(content: Bytes, needle: bytes, begin: int) -> Iterator[Places]:
    """The places from ``begin`` on, some at a time."""
    letters = np.frombuffer(needle, np.uint8)
    rarest = _rarest(content[begin : begin + _SAMPLE_BYTES], needle)
    begins, is_letter = np.empty((2, min(len(content), _BLOCK_BYTES)), np.bool_)
    for first in range(begin, len(content) - len(needle) + 1, _BLOCK_BYTES):
        block = content[first : first + _BLOCK_BYTES + len(needle) - 1]
        count = len(block) - len(needle) + 1
        at = rarest.start
        np.equal(block[at : at + count], letters[at], out=begins[:count])
        for at in rarest[1:]:
            np.equal(block[at : at + count], letters[at], out=is_letter[:count])
            begins[:count] &= is_letter[:count]
        yield first + _with_all_of(block, needle, _true_places(begins[:count]))


def _true_places(held: npt.NDArray[np.bool_]) -> Places:
    """Where it holds, eight at a time: it does so at few places."""
    whole = len(held) // _WORD_BYTES * _WORD_BYTES
    words = held[:whole].view(np.uint64)
    some = np.flatnonzero(words != 0)
    inside = np.flatnonzero(words[some].view(np.bool_))
    places = some[inside // _WORD_BYTES] * _WORD_BYTES + inside % _WORD_BYTES
    return np.concatenate([places, np.flatnonzero(held[whole:]) + whole])


def _with_all_of(content: Bytes, needle: bytes, places: Places) -> Places:
    """Those of the places where the needle stands, by eight letters at a time if it has them."""
    last = len(needle) - _WORD_BYTES
    if last < 0:
        for at, letter in enumerate(needle):
            places = places[content[places + at] == letter]
        return places
    words = np.ndarray(len(content) - _WORD_BYTES + 1, np.uint64, content, 0, (1,))
    for at in {*range(0, last, _WORD_BYTES), last}:
        word = np.frombuffer(needle, np.uint64, 1, at)
        places = places[words[places + at] == word]
    return places


def _rarest(sample: Bytes, needle: bytes) -> range:
    """Where in the needle the letter stands that is rare in the sample, or the rarest two."""
    letters = np.bincount(sample, minlength=256)[np.frombuffer(needle, np.uint8)]
    at = int(np.argmin(letters))
    if len(needle) == 1 or letters[at] * RARE_BYTES < len(sample):
        return range(at, at + 1)
    before, after = sample[:-1], sample[1:]
    pairs = [np.count_nonzero((before == one) & (after == two)) for one, two in pairwise(needle)]
    at = int(np.argmin(pairs))
    return range(at, at + 2)


def _address(content: bytes) -> int:
    """Of the first byte, while somebody holds the bytes."""
    return ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p).value or 0


def _memmem() -> Search | None:
    """None where the C library has none: it is not of the C standard."""
    search = getattr(ctypes.PyDLL(None), "memmem", None)
    if search is not None:
        search.argtypes = [ctypes.c_void_p, ctypes.c_size_t] * 2
        search.restype = ctypes.c_void_p
    return search


_MEMMEM = _memmem()
