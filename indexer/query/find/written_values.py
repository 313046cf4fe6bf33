"""What the letters after a key of JSON are: plain numbers, texts, true, false and null. Pure.

The first eight letters of a value are one word of memory, in which short whole numbers, the most
frequent ones, are read by a few operations for all values at once. Of a text 32 letters are looked
at, and more only where it does not end in them.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.identifiers import BoolArray, UInt64Array
from indexer.spans.value_filter import PREFIX_BYTES, hash_numbers, hash_prefixes, hash_truths
from indexer.system.byte_search import Bytes, Places, windows

_BODY_BYTES = PREFIX_BYTES + 8
"""Of a text, after its quote, that is looked at: whole words, and the end of a prefix."""
_SHORT_BYTES = 32
"""Of it, in which most texts end: as many as a word of marks has bits."""
_NUMBER_BYTES = 24
"""Of a number that is read here: a double has 24 letters at most."""
_WORD_BYTES = 8
_NO_WINDOWS: Bytes = np.zeros((0, _BODY_BYTES), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class PlacesInRuns:
    """Places in some runs of letters: in order in each, those of one run after those of another."""

    runs: Sequence[Bytes]
    bounds: Sequence[int]
    """Where in ``places`` those of each run begin, and where the last one's end."""
    places: Places

    @classmethod
    def of(cls, found: Sequence[tuple[Bytes, Places]]) -> Self:
        """Some of each run."""
        runs, places = [run for run, _ in found], [places for _, places in found]
        bounds = [0, *accumulate(map(len, places))]
        return cls(runs, bounds, joined(places, np.int64))

    def moved(self, distance: Places | int) -> "PlacesInRuns":
        """Others, so far behind them, each in the same run."""
        return PlacesInRuns(self.runs, self.bounds, self.places + distance)

    def some(self, chosen: BoolArray) -> "PlacesInRuns":
        """Some of them."""
        if chosen.all():
            return self
        counts = [int(np.count_nonzero(chosen[one:after])) for one, after in pairwise(self.bounds)]
        return PlacesInRuns(self.runs, [0, *accumulate(counts)], self.places[chosen])

    def windows(self, width: int) -> Bytes:
        """What stands at each, one row of ``width`` bytes."""
        found = [
            windows(run, self.places[first:after], width)
            for run, (first, after) in zip(self.runs, pairwise(self.bounds), strict=True)
        ]
        return found[0] if len(found) == 1 else np.concatenate([_NO_WINDOWS[:, :width], *found])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenValues:
    """What stands at some places; all but ``texts`` are parallel to them."""

    is_odd: BoolArray
    """Nothing that is read here: an escape, a list, an object, or no value at all."""
    is_null: BoolArray
    is_text: BoolArray
    number: npt.NDArray[np.float64]
    """NaN where it is none."""
    hashes: UInt64Array
    texts: PlacesInRuns
    """Where each text begins, after its quote."""

    def __len__(self) -> int:
        return len(self.is_odd)


def values_at(ends: PlacesInRuns) -> WrittenValues:
    """The values of keys that end, with their quote, before these places."""
    word, begins = _first_words(ends)
    count, first = len(word), word.astype(np.uint8)
    number, hashes = np.full(count, np.nan), np.zeros(count, np.uint64)
    is_number, is_text = _DIGITS[first], first == ord('"')
    is_odd: BoolArray = ~(is_number | is_text)
    is_null: BoolArray = np.zeros(count, np.bool_)
    if is_odd.any():
        is_null = _is(word, b"null")
        is_odd &= ~is_null
        for said in (b"true", b"false"):
            is_said = _is(word, said)
            is_odd &= ~is_said
            hashes[is_said] = hash_truths(np.array([said == b"true"]))
    if is_number.any():
        at = _where(is_number)
        number[at] = _numbers(word[at], begins.some(is_number))
        is_odd |= is_number & np.isnan(number)
        at = _where(~np.isnan(number))
        hashes[at] = hash_numbers(number[at])
    texts = begins.some(is_text).moved(1)
    if len(texts.places):
        at = _where(is_text)
        hashes[at], is_plain = _texts(texts)
        if not is_plain.all():
            is_odd[at], is_text[at], texts = ~is_plain, is_plain, texts.some(is_plain)
    return WrittenValues(
        is_odd=is_odd,
        is_null=is_null,
        is_text=is_text,
        number=number,
        hashes=hashes,
        texts=texts,
    )


def whole_texts(texts: PlacesInRuns) -> tuple[BoolArray, pa.StringArray]:
    """Which of plain texts end within a prefix, and these, which may be no UTF-8."""
    bodies = texts.windows(_BODY_BYTES)
    length = _first(bodies == ord('"'))
    is_whole = length <= PREFIX_BYTES
    body, length = bodies[is_whole], length[is_whole]
    return is_whole, _strings(body[length[:, None] > np.arange(_BODY_BYTES)], length)


def joined(parts: Sequence[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    """One array of all, none of which is copied where it is the only one."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _first_words(ends: PlacesInRuns) -> tuple[UInt64Array, PlacesInRuns]:
    """The first eight letters of each value, and where it begins.

    After a colon and perhaps one blank; zeros where there is no colon.
    """
    sides: UInt64Array = ends.windows(2 * _WORD_BYTES).view(np.uint64)
    low, high = sides[:, 0], sides[:, 1]
    blanks = (low >> np.uint64(8)) & np.uint64(0xFF) == ord(" ")
    bits: UInt64Array = np.where(blanks, np.uint64(16), np.uint64(8))
    word: UInt64Array = (low >> bits) | (high << (np.uint64(64) - bits))
    word *= low & np.uint64(0xFF) == ord(":")
    return word, ends.moved(1 + blanks)


def _numbers(words: UInt64Array, begins: PlacesInRuns) -> npt.NDArray[np.float64]:
    """The finite number that stands at each place; NaN where it is none."""
    is_short, numbers = _short_numbers(words)
    if not is_short.all():
        is_long = ~is_short
        numbers[is_long] = _long_numbers(begins.some(is_long).windows(_NUMBER_BYTES + 1))
    return numbers


def _short_numbers(word: UInt64Array) -> tuple[BoolArray, npt.NDArray[np.float64]]:
    """Which words begin with a whole number of seven digits at most and its end, and the numbers.

    Digits are told, and put together, as bytes of one word: each step makes one number of two.
    """
    digits = word ^ _EVERY * np.uint64(ord("0"))
    others = ((digits & _EVERY * np.uint64(0x7F)) + _EVERY * np.uint64(0x76)) | digits
    others &= _EVERY * np.uint64(0x80)
    length = np.bitwise_count((others & (~others + np.uint64(1))) - np.uint64(1)) >> 3
    end = (word >> np.minimum(length, 7).astype(np.uint64) * np.uint64(8)).astype(np.uint8)
    is_short = (length > 0) & (length < _WORD_BYTES) & _ENDS[end]
    length = np.where(is_short, length, _WORD_BYTES)
    number = digits << (np.uint64(_WORD_BYTES) - length.astype(np.uint64)) * np.uint64(8)
    number = (number & _EVERY * np.uint64(0x0F)) * np.uint64(10 * 2**8 + 1) >> np.uint64(8)
    number = (number & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(100 * 2**16 + 1) >> np.uint64(16)
    number = (number & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(10_000 * 2**32 + 1)
    return is_short, (number >> np.uint64(32)).astype(np.float64)


def _long_numbers(bodies: Bytes) -> npt.NDArray[np.float64]:
    """The finite number that each begins with and that ends there; NaN where it is none."""
    numbers = np.full(len(bodies), np.nan)
    length = _first(_BEYOND_NUMBERS[bodies])
    end = bodies[np.arange(len(bodies)), length.clip(max=_NUMBER_BYTES)]
    is_plain = (length <= _NUMBER_BYTES) & _ENDS[end]
    body, length = bodies[is_plain], length[is_plain]
    found = _doubles(body[length[:, None] > np.arange(_NUMBER_BYTES + 1)], length)
    numbers[is_plain] = np.where(np.isfinite(found), found, np.nan)
    return numbers


def _texts(texts: PlacesInRuns) -> tuple[UInt64Array, BoolArray]:
    """The hash of each text, and whether no backslash is in what it is of."""
    hashes, is_plain, is_ended = _prefixes(texts.windows(_SHORT_BYTES))
    if not is_ended.all():
        is_long = ~is_ended
        hashes[is_long], is_plain[is_long], _ = _prefixes(texts.some(is_long).windows(_BODY_BYTES))
    return hashes, is_plain


def _prefixes(bodies: Bytes) -> tuple[UInt64Array, BoolArray, BoolArray]:
    """The hash of each text, whether it has no backslash before its end, and whether that is here.

    Of those that do not end here the hash is that of all letters that are, a prefix at most.
    """
    quotes, escapes = _marks(bodies, b'"'), _marks(bodies, b"\\")
    stops = quotes | escapes
    first: UInt64Array = stops & (~stops + np.uint64(1))
    length = np.bitwise_count(first - np.uint64(1)).astype(np.intp)
    words = bodies.view(np.uint64)[:, : PREFIX_BYTES // _WORD_BYTES]
    plain = [word & _PREFIX_MASKS[at].take(length) for at, word in enumerate(words.T)]
    return hash_prefixes(plain, length.astype(np.uint64)), first & escapes == 0, stops != 0


def _marks(bodies: Bytes, letter: bytes) -> UInt64Array:
    """A bit for each letter of a prefix, or of a short body, where it is this one."""
    bits = np.packbits(bodies == ord(letter), bitorder="little")
    if bodies.shape[1] == _SHORT_BYTES:
        return bits.view(np.uint32).astype(np.uint64)
    inside = np.ascontiguousarray(bits.reshape(len(bodies), -1)[:, :_WORD_BYTES])
    return inside.view(np.uint64)[:, 0]


def _doubles(digits: Bytes, lengths: Places) -> npt.NDArray[np.float64]:
    """The numbers that are written one after the other; NaN of all where one is not a number."""
    try:
        return np.asarray(_strings(digits, lengths).cast(pa.float64()))
    except pa.ArrowInvalid:
        return np.full(len(lengths), np.nan)


def _strings(letters: Bytes, lengths: Places) -> pa.StringArray:
    """Texts that are written one after the other."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    buffers = [pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters))]
    return pa.StringArray.from_buffers(len(lengths), *buffers)


def _first(held: npt.NDArray[np.bool_]) -> Places:
    """In each row the first place that holds, and its length where none does."""
    first: Places = held.argmax(axis=1)
    first[~held[np.arange(len(held)), first]] = held.shape[1]
    return first


def _where(held: BoolArray) -> Places | slice:
    """Where it holds: what is taken by a slice is not copied."""
    return slice(None) if held.all() else np.flatnonzero(held)


def _among(letters: bytes) -> BoolArray:
    held: BoolArray = np.isin(np.arange(256), np.frombuffer(letters, np.uint8))
    return held


def _is(word: UInt64Array, text: bytes) -> BoolArray:
    """Which words begin with these letters."""
    held: BoolArray = word & _mask(len(text)) == np.uint64(int.from_bytes(text, "little"))
    return held


def _mask(count: int) -> np.uint64:
    """Of the first letters of a word."""
    return np.uint64((1 << 8 * count) - 1)


_EVERY = np.uint64(0x0101010101010101)
_PREFIX_MASKS: UInt64Array = np.array(
    [
        [_mask(min(max(length - begin, 0), 8)) for length in range(PREFIX_BYTES + 1)]
        for begin in range(0, PREFIX_BYTES, _WORD_BYTES)
    ],
    np.uint64,
)
"""Of each word of a prefix, by the length of the text."""
_DIGITS = _among(b"0123456789+-.eE")
_BEYOND_NUMBERS = ~_DIGITS
_ENDS = _among(b",}] \t\r\n")
