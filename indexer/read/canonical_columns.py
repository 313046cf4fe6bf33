"""The canonical payload of rows of a file, a column at a time, as Arrow.

The same values as in ``span_payload``, as columns of SQL: attributes, events and links are JSON
text, which is always valid. An object that stands in the file as plain JSON keeps its text. Nothing
is left out of a span, however large it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from indexer.model import ParquetFileInfo
from indexer.read.dialect_fields import Dialect, PayloadColumn
from indexer.read.json_text import is_plain_json, json_text, parse_json
from indexer.read.normalise import COUNT_COLUMNS, JSON_COLUMNS, canonical, parse_value
from indexer.read.part import Part
from indexer.read.payload import read_payload
from indexer.read.payload_values import readings, value_of
from indexer.spans.limits import SpanLimits
from indexer.system.storage import LocalStorage

_NO_LIMIT = 1 << 62
UNLIMITED = SpanLimits(
    attributes=_NO_LIMIT, events=_NO_LIMIT, links=_NO_LIMIT, values=_NO_LIMIT, depth=_NO_LIMIT
)
"""SQL is asked for columns, so that what a span holds beyond the limits of an answer costs no other
question anything."""

_ALIKE_MAX = 1_024
"""Distinct texts of one column whose JSON is kept: a resource repeats span after span."""


def column_type(name: str) -> pa.DataType:
    """Of a canonical payload column in Arrow."""
    return pa.uint64() if name in COUNT_COLUMNS else pa.string()


def canonical_column(
    storage: LocalStorage, info: ParquetFileInfo, dialect: Dialect, name: str, rows: Sequence[int]
) -> pa.Array:
    """One value for each of the rows; NULL where the file has none, or lacks the column.

    Raises what ``read_payload`` raises.
    """
    wanted = replace(dialect, payload=tuple(one for one in dialect.payload if one.name == name))
    found = read_payload(storage, info, wanted, rows, limits=UNLIMITED)
    return canonical_values(name, [row[name] for row in found])


def canonical_rows(payload: PayloadColumn, table: pa.Table) -> pa.Array:
    """The column of each row of a table that has the payload column's own columns."""
    places = {column: at for at, column in enumerate(table.column_names)}
    values = {
        place: reading.values(table.column(place), UNLIMITED)
        for place, reading in readings([payload], places).items()
    }
    rows = ({place: column[at] for place, column in values.items()} for at in range(len(table)))
    return canonical_values(payload.name, [value_of(payload, row, places) for row in rows])


def canonical_values(name: str, stored: list[Any]) -> pa.Array:
    """The column of stored values, as ``read_payload`` gives them."""
    if name not in JSON_COLUMNS:
        return pa.array([canonical(name, _whole(one)) for one in stored], column_type(name))
    alike: dict[str, str] = {}
    texts = []
    for one in stored:
        text = alike.get(one) if isinstance(one, str) else None
        if text is None and one is not None:
            text = _json(name, one)
            if isinstance(one, str) and len(alike) < _ALIKE_MAX:
                alike[one] = text
        texts.append(text)
    return pa.array(texts, pa.string())


def stands_as_it_is(name: str, text: str) -> bool:
    """Whether a text of a JSON column is its own canonical form, however it is spaced."""
    if name not in ("events", "links"):
        return is_plain_json(text, "{")
    return is_plain_json(text, "[") and canonical(name, text) == parse_json(text)


def _json(name: str, stored: Any) -> str:
    if isinstance(stored, str) and stands_as_it_is(name, stored):
        return stored
    return json_text(canonical(name, _whole(stored), _parse_whole))


def _parse_whole(stored: Any) -> Any:
    """Attributes of one event or link."""
    return parse_value(_whole(stored))


def _whole(stored: Any) -> Any:
    """A value of VARIANT bears its own limit; lists side by side may each be a part."""
    if isinstance(stored, Part):
        return stored.stored
    if isinstance(stored, Mapping):
        return {key: _whole(value) for key, value in stored.items()}
    return stored
