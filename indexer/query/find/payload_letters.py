"""Which rows may meet a condition by the letters of their stored payload, unparsed. Pure.

What canonical values have stands in the stored JSON with the same letters, unless these are written
with an escape; a few comparisons of bytes, which cost a tenth of parsing, leave few rows to parse.
A row is never left out that could meet the condition.
"""

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from indexer.query.find.letters import may_have
from indexer.query.find.payload_conditions import (
    TEXT_COLUMNS,
    AttributeCondition,
    PayloadCondition,
    TextCondition,
)
from indexer.query.find.payload_truth import has_text
from indexer.spans.identifiers import BoolArray

StoredTexts = Mapping[str, pa.ChunkedArray | None]
"""Stored texts by canonical payload column; None where they are not text. ``name`` has the
names."""

ESCAPED = "\\u"
"""Any letter can be written so, and one that needs no other escape can be written no other way."""
_BYTES = "bytes"
"""OTLP's ``bytesValue`` is shown in hex and stored in base64."""
_PLAIN = re.compile(r'[^"\\/\x00-\x1f\x7f\ufffd]+')
"""Letters that JSON has as they are."""


def may_hold(leaf: PayloadCondition, stored: StoredTexts, count: int) -> BoolArray:
    """Of which of ``count`` rows the condition may hold."""
    if isinstance(leaf, TextCondition):
        return _text(leaf, stored, count)
    return _attribute(leaf, stored, count)


def _attribute(leaf: AttributeCondition, stored: StoredTexts, count: int) -> BoolArray:
    (name,) = leaf.columns
    column = stored[name]
    if column is None:
        return np.ones(count, np.bool_)
    found = may_have(column, _key_part(leaf))
    if leaf.operator in ("=", "contains") and isinstance(leaf.value, str) and found.any():
        found &= may_have(column, plain_part(leaf.value)) | may_have(column, _BYTES)
    return found | may_have(column, ESCAPED)


def _text(leaf: TextCondition, stored: StoredTexts, count: int) -> BoolArray:
    part = plain_part(leaf.text)
    held = _mask(has_text(leaf, stored["name"]))
    for name in TEXT_COLUMNS:
        column = stored[name]
        if column is None:
            return np.ones(count, np.bool_)
        held |= _mask(pc.match_substring(column, part, ignore_case=True))
        held |= may_have(column, _BYTES) | may_have(column, ESCAPED)
    return held


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
