"""Which rows may meet a condition by the letters of their stored payload, unparsed. Pure.

What canonical values have stands in the stored JSON with the same letters, unless these are written
with an escape; a few comparisons of bytes, which cost a tenth of parsing, leave few rows to parse.
A row is never left out that could meet the condition.
"""

import re
from collections.abc import Callable, Mapping
from operator import ge, le

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.query.find.key_scan import ScannedKey, scan_key
from indexer.query.find.letters import ColumnLetters
from indexer.query.find.payload_conditions import (
    ORDERINGS,
    TEXT_COLUMNS,
    AttributeCondition,
    TextCondition,
)
from indexer.query.find.payload_truth import has_text
from indexer.spans.identifiers import BoolArray
from indexer.spans.key_summary import REPLACEMENT, double_of, hash_value
from indexer.system import arrow_compute as pc

ESCAPED = "\\u"
"""Any letter can be written so, and one that needs no other escape can be written no other way."""
PARSED_AT_ONCE = 64
"""Rows that are parsed in the time in which the letters of all are looked for again."""
_BYTES = "bytes"
"""OTLP's ``bytesValue`` is shown in hex and stored in base64."""
_PLAIN = re.compile(r'[^"\\/\x00-\x1f\x7f\ufffd]+')
"""Letters that JSON has as they are."""
_COMPARE: Mapping[str, Callable[..., npt.NDArray[np.bool_]]] = {
    "<": le,
    "<=": le,
    ">": ge,
    ">=": ge,
}
"""Of doubles: two numbers that are not equal may be one double."""


class StoredColumn:
    """One stored column of text, of which each thing is found out once."""

    def __init__(self, texts: pa.ChunkedArray, *, of_events: bool = False) -> None:
        self.letters = ColumnLetters(texts)
        self._of_events = of_events
        self._scanned: dict[str, ScannedKey | None] = {}
        self._having: dict[str, BoolArray] = {}

    def key(self, key: str) -> ScannedKey | None:
        """The values under a key; None of one that is not looked for so."""
        if key not in self._scanned:
            self._scanned[key] = scan_key(self.letters, key, of_events=self._of_events)
        return self._scanned[key]

    def having(self, letters: str) -> BoolArray:
        """Which texts may have the letters."""
        if letters not in self._having:
            self._having[letters] = self.letters.may_have(letters)
        return self._having[letters]


_MEETS: Mapping[str, str] = {
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "contains": "match_substring",
    "matches": "match_substring_regex",
}
"""Kernels of Arrow, of texts: the order of UTF-8 is that of code points."""


def may_meet(leaf: AttributeCondition, column: StoredColumn) -> BoolArray:
    """Of which rows the condition may hold, by the column that has these attributes."""
    scanned = column.key(leaf.key)
    if scanned is None:
        return _by_parts(leaf, column)
    found = scanned.rows(_values_that_may(leaf, scanned))
    if leaf.operator == "contains" and found.any():
        found &= column.having(plain_part(str(leaf.value)))
    odd = np.count_nonzero(scanned.odd)
    if odd:
        found |= scanned.odd if odd <= PARSED_AT_ONCE else scanned.odd & _by_parts(leaf, column)
    return found


def may_have_text(
    leaf: TextCondition, names: pa.ChunkedArray, texts: Mapping[str, pa.ChunkedArray | None]
) -> BoolArray:
    """Of which spans with these names and stored texts, by column, the condition may hold."""
    part = plain_part(leaf.text)
    held = _mask(has_text(leaf, names))
    for name in TEXT_COLUMNS:
        column = texts[name]
        if column is None:
            return np.ones(len(names), np.bool_)
        held |= _mask(pc.match_substring(column, part, ignore_case=True))
        letters = ColumnLetters(column)
        held |= letters.may_have(_BYTES) | letters.may_have(ESCAPED)
    return held


def _values_that_may(leaf: AttributeCondition, scanned: ScannedKey) -> BoolArray:
    """Which of the values may meet the condition."""
    every: BoolArray = np.ones(len(scanned.row), np.bool_)
    if isinstance(leaf.value, str) and leaf.operator in _MEETS:
        meets, value = getattr(pc, _MEETS[leaf.operator]), leaf.value
        return scanned.texts_that(lambda texts: meets(texts, value))
    if leaf.operator in ORDERINGS:
        number = double_of(leaf.value)
        if number is None:
            return every
        return _COMPARE[leaf.operator](scanned.number, number)
    hashed = hash_value(leaf.value) if leaf.operator == "=" else None
    if hashed is None or (isinstance(leaf.value, str) and REPLACEMENT in leaf.value):
        return every
    equal: BoolArray = scanned.hashes == hashed
    return equal


def _by_parts(leaf: AttributeCondition, column: StoredColumn) -> BoolArray:
    """Which rows have the letters of the key, and those of the value, or may escape them."""
    found = column.having(_key_part(leaf))
    if leaf.operator in ("=", "contains") and isinstance(leaf.value, str) and found.any():
        found = found & (column.having(plain_part(leaf.value)) | column.having(_BYTES))
    return found | column.having(ESCAPED)


def _key_part(leaf: AttributeCondition) -> str:
    """What a key is written with. An event may have its attributes as text inside of JSON."""
    part = plain_part(leaf.key)
    return part if leaf.owner == "event" or part != leaf.key else f'"{part}"'


def plain_part(text: str) -> str:
    """The longest run of letters that stand in JSON as they are; empty if there is none."""
    return max(_PLAIN.findall(text), key=len, default="")


def _mask(found: pa.Array | pa.ChunkedArray) -> BoolArray:
    mask: BoolArray = np.asarray(pc.fill_null(found, fill_value=False))
    return mask
