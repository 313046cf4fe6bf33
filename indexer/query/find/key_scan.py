"""What stands under a key in stored JSON, read off its letters without parsing. Pure.

Where a text is one object in which the key stands once, followed by a plain number, text, true,
false or null, these letters are its value, unless the key belongs to an object inside. All else is
odd: nothing is said of it. So a value that is there is always found, or its row is odd. In a list
of events a key may stand as often as it will, also where it is none of an attribute: all of it is
found, and more.
"""

import re
from collections.abc import Callable
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.query.find.letters import ColumnLetters, Run
from indexer.query.find.written_values import PlacesInRuns, joined, values_at, whole_texts
from indexer.spans.identifiers import BoolArray, UInt64Array
from indexer.system.byte_search import Places

PLAIN_KEY = re.compile(r'[^"\\\x00-\x1f\x7f\ufffd]+')
"""A key that JSON writes as it is; a slash may also have a backslash before it."""


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
    texts: PlacesInRuns
    """Where each text among them begins, after its quote."""

    def rows(self, chosen: BoolArray) -> BoolArray:
        """Which texts have one of the chosen values."""
        held: BoolArray = np.zeros(len(self.odd), np.bool_)
        held[self.row[chosen]] = True
        return held

    def texts_that(self, meet: Callable[[pa.Array], pa.Array]) -> BoolArray:
        """Which values may be a text that meets something: of a long one that is not known."""
        may = self.is_text.copy()
        is_whole, texts = whole_texts(self.texts)
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:  # bytes that are not UTF-8 are read as other letters
            return may
        may[np.flatnonzero(may)[is_whole]] = np.asarray(meet(texts))
        return may


def scan_key(letters: ColumnLetters, key: str, *, of_events: bool = False) -> ScannedKey | None:
    """The values under the key of attributes, or those of events; None where it needs an escape."""
    if not PLAIN_KEY.fullmatch(key):
        return None
    found = [_standing(run, key, of_events=of_events) for run in letters.runs]
    firsts = accumulate((len(run) for run in letters.runs), initial=0)
    row = joined(
        [rows + first for (_, rows, _), first in zip(found, firsts, strict=False)], np.int64
    )
    odd = joined([odd for odd, _, _ in found], np.bool_)
    runs = [(run.content, ends) for run, (_, _, ends) in zip(letters.runs, found, strict=True)]
    values = values_at(PlacesInRuns.of(runs))
    odd[row[values.is_odd]] = True
    is_known = ~(values.is_odd | values.is_null)
    known: BoolArray | slice = slice(None) if is_known.all() else is_known
    return ScannedKey(
        odd=odd,
        row=row[known],
        is_text=values.is_text[known],
        number=values.number[known],
        hashes=values.hashes[known],
        texts=values.texts,
    )


def _standing(run: Run, key: str, *, of_events: bool) -> tuple[BoolArray, Places, Places]:
    """Which texts are odd, and where the key ends in others: the texts, and the places."""
    quoted = f'"{key}"'.encode()
    # One that begins with the quote that ends another makes the other odd: no colon follows it.
    found = run.inside(quoted, are_apart=not key.startswith(":"))
    if found is None:
        return np.ones(len(run), np.bool_), _NOWHERE, _NOWHERE
    places, row = found
    odd = run.escaping(key + _ESCAPED_IN_TEXT if of_events else key)
    if of_events:  # in text, in which the quotes have a backslash, or three in text of a text
        odd |= run.having(f'"{key}\\'.encode())
    if "/" in key:
        odd |= run.having(b"\\/")
    is_read = run.content[run.offsets[row]] == ord("[" if of_events else "{")
    is_read &= ~odd[row]
    if not of_events:
        is_read &= np.bincount(row, minlength=len(run))[row] == 1
    if not is_read.all():
        odd[row[~is_read]] = True
        row, places = row[is_read], places[is_read]
    return odd, row, places + len(quoted)


_ESCAPED_IN_TEXT = '"\\u0123456789abcdefABCDEF'
"""An event and its attributes may be text: a quote around a key, or a letter of the escape that a
key is written with there, may then be written with an escape as well."""
_NOWHERE: Places = np.zeros(0, np.int64)
