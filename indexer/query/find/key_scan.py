"""What stands under a key in stored JSON, read off its letters without parsing. Pure.

Where a text is one object in which the key stands once, followed by a plain number, text, true,
false or null, these letters are its value, unless the key belongs to an object inside. All else is
odd: nothing is said of it. So a value that is there is always found, or its row is odd. In a list
of events a key may stand as often as it will, also where it is none of an attribute: all of it is
found, and more.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.query.find.letters import ColumnLetters, Run
from indexer.spans.identifiers import BoolArray, UInt64Array
from indexer.spans.value_filter import PREFIX_BYTES, hash_numbers, hash_prefixes, hash_truths
from indexer.system.byte_search import Bytes, Places, windows

PLAIN_KEY = re.compile(r'[^"\\\x00-\x1f\x7f\ufffd]+')
"""A key that JSON writes as it is; a slash may also have a backslash before it."""

_NUMBER_BYTES = 24
"""Of a number that is read here: a double has 24 letters at most."""
_COLUMNS = np.arange(PREFIX_BYTES, dtype=np.uint8)
_NO_TOKENS: Bytes = np.zeros((0, PREFIX_BYTES + 2), np.uint8)
_WINDOW = PREFIX_BYTES + 4
"""What is looked at after a key: a colon, a blank, and the beginning of the value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScannedKey:
    """The values under one key in the texts of a column; ``row`` and what follows are parallel."""

    odd: BoolArray
    """Of each text, whether its value is not known."""
    row: Places
    """The texts that have a value, in order; one of events as often as it has some."""
    is_text: BoolArray
    number: npt.NDArray[np.float64]
    """NaN where it is none."""
    hashes: UInt64Array
    tokens: Bytes
    """How each begins, one row a value."""

    def rows(self, chosen: BoolArray) -> BoolArray:
        """Which texts have one of the chosen values."""
        held: BoolArray = np.zeros(len(self.odd), np.bool_)
        held[self.row[chosen]] = True
        return held

    def texts_that(self, meet: Callable[[pa.Array], pa.Array]) -> BoolArray:
        """Which values may be a text that meets something: of a long one that is not known."""
        may = self.is_text.copy()
        at = np.flatnonzero(may)
        body = _rows(self.tokens, at)[:, 1:]
        length = _first(body == ord('"'))
        is_whole = length <= PREFIX_BYTES
        body, length = body[is_whole], length[is_whole]
        texts = _strings(body[np.arange(body.shape[1]) < length[:, None]], length)
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:  # bytes that are not UTF-8 are read as other letters
            return may
        may[at[is_whole]] = np.asarray(meet(texts))
        return may


def scan_key(letters: ColumnLetters, key: str, *, of_events: bool = False) -> ScannedKey | None:
    """The values under the key of attributes, or those of events; None where it needs an escape."""
    if not PLAIN_KEY.fullmatch(key):
        return None
    parts = [_scan_run(run, key, of_events=of_events) for run in letters.runs]
    firsts = np.cumsum([0, *(len(part.odd) for part in parts)])
    return ScannedKey(
        odd=_joined([part.odd for part in parts], np.bool_),
        row=_joined(
            [part.row + first for part, first in zip(parts, firsts, strict=False)], np.int64
        ),
        is_text=_joined([part.is_text for part in parts], np.bool_),
        number=_joined([part.number for part in parts], np.float64),
        hashes=_joined([part.hashes for part in parts], np.uint64),
        tokens=np.concatenate([_NO_TOKENS, *(part.tokens for part in parts)]),
    )


def _scan_run(run: Run, key: str, *, of_events: bool) -> ScannedKey:
    quoted = f'"{key}"'.encode()
    found = run.inside(quoted)
    if found is None:
        return _nothing(np.ones(len(run), np.bool_))
    places, row = found
    odd = run.escaping(f'{key}"' if of_events else key)
    if of_events:  # attributes of an event may be text, in which the quotes have a backslash
        odd |= run.having(f'"{key}\\"'.encode())
    if "/" in key:
        odd |= run.having(b"\\/")
    first = run.content[run.offsets[row]]
    is_read = (first == ord("[" if of_events else "{")) & ~odd[row]
    if not of_events:
        is_read &= np.bincount(row, minlength=len(run))[row] == 1
    odd[row[~is_read]] = True
    row, ends = row[is_read], places[is_read] + len(quoted)
    if not len(row):
        return _nothing(odd)
    tokens = _tokens(run.content, ends)
    values = _Values(tokens)
    odd[row[values.is_odd]] = True
    is_known = ~values.is_odd & ~values.is_null
    return ScannedKey(
        odd=odd,
        row=row[is_known],
        is_text=values.is_text[is_known],
        number=values.number[is_known],
        hashes=values.hashes[is_known],
        tokens=_rows(tokens, np.flatnonzero(is_known)),
    )


def _nothing(odd: BoolArray) -> ScannedKey:
    return ScannedKey(
        odd=odd,
        row=np.zeros(0, np.int64),
        is_text=np.zeros(0, np.bool_),
        number=np.zeros(0, np.float64),
        hashes=np.zeros(0, np.uint64),
        tokens=_NO_TOKENS,
    )


def _tokens(content: Bytes, ends: Places) -> Bytes:
    """The beginning of each value, one row a value; zeros where no colon stands before it."""
    after = windows(content, ends, _WINDOW)
    has_blank = after[:, 1] == ord(" ")
    tokens = after[:, 1:-1]
    if has_blank.any():
        tokens = np.where(has_blank[:, None], after[:, 2:], tokens)
    is_value = after[:, 0] == ord(":")
    return tokens if is_value.all() else tokens * is_value[:, None]


class _Values:
    """What the tokens are."""

    def __init__(self, tokens: Bytes) -> None:
        count = len(tokens)
        first = tokens[:, 0]
        self.is_text: BoolArray = first == ord('"')
        self.is_null = _begins(tokens, b"null")
        self.number = np.full(count, np.nan)
        self.hashes: UInt64Array = np.zeros(count, np.uint64)
        self.is_odd: BoolArray = ~self.is_null
        for word in (b"true", b"false"):
            said = _begins(tokens, word)
            self.is_odd[said] = False
            self.hashes[said] = hash_truths(np.array([word == b"true"]))
        self._take_texts(tokens)
        self._take_numbers(tokens, _DIGITS[first])

    def _take_texts(self, tokens: Bytes) -> None:
        at = np.flatnonzero(self.is_text)
        if not len(at):
            return
        body = _rows(tokens, at)[:, 1:]
        length = _first((body == ord('"')) | (body == ord("\\")))
        is_plain = body[np.arange(len(at)), length.clip(max=PREFIX_BYTES)] != ord("\\")
        length = np.minimum(length, PREFIX_BYTES)
        is_inside = length.astype(np.uint8)[:, None] > _COLUMNS
        self.hashes[at] = hash_prefixes(body[:, :PREFIX_BYTES] * is_inside, length)
        self.is_odd[at] = ~is_plain
        self.is_text[at] = is_plain

    def _take_numbers(self, tokens: Bytes, is_number: BoolArray) -> None:
        at = np.flatnonzero(is_number)
        if not len(at):
            return
        body = _rows(tokens, at)[:, : _NUMBER_BYTES + 1]
        length = _first(_BEYOND_NUMBERS[body])
        end = body[np.arange(len(at)), length.clip(max=_NUMBER_BYTES)]
        is_plain = (length <= _NUMBER_BYTES) & _ENDS[end]
        if not is_plain.all():
            at, length, body = at[is_plain], length[is_plain], body[is_plain]
        is_inside = length.astype(np.uint8)[:, None] > _COLUMNS[: _NUMBER_BYTES + 1]
        numbers = _doubles(body[is_inside], length)
        is_finite = np.isfinite(numbers)
        at, numbers = at[is_finite], numbers[is_finite]
        self.number[at] = numbers
        self.hashes[at] = hash_numbers(numbers)
        self.is_odd[at] = False


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


def _begins(tokens: Bytes, word: bytes) -> BoolArray:
    begins: BoolArray = tokens[:, 0] == word[0]
    at = np.flatnonzero(begins)
    begins[at] = (tokens[at, : len(word)] == np.frombuffer(word, np.uint8)).all(axis=1)
    return begins


def _first(held: npt.NDArray[np.bool_]) -> Places:
    """In each row the first place that holds, and its length where none does."""
    first: Places = held.argmax(axis=1)
    first[~held[np.arange(len(held)), first]] = held.shape[1]
    return first


def _rows(tokens: Bytes, at: Places) -> Bytes:
    """Some of them; all without a copy."""
    return tokens if len(at) == len(tokens) else tokens[at]


def _joined(parts: list[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _among(letters: bytes) -> BoolArray:
    held: BoolArray = np.isin(np.arange(256), np.frombuffer(letters, np.uint8))
    return held


_DIGITS = _among(b"0123456789+-.eE")
_BEYOND_NUMBERS = ~_DIGITS
_ENDS = _among(b",}] \t\r\n")
