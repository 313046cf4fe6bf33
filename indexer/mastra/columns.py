"""The columns of ``mastra_spans`` as records declare them, and values on their way in and out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from indexer.mastra.json_values import json_text, json_value, without_surrogates
from indexer.mastra.records import ColumnKind, LightSpan, Record, SpanFields, SpanRecord

_ARROW = {
    ColumnKind.TEXT: pa.large_string(),
    ColumnKind.FLAG: pa.bool_(),
    ColumnKind.TIME: pa.timestamp("us"),
    ColumnKind.TAGS: pa.list_(pa.string()),
    ColumnKind.JSON: pa.large_string(),
}


def _kinds(model: type[Record]) -> dict[str, ColumnKind]:
    kinds = {}
    for name, field in model.model_fields.items():
        found = [one for one in field.metadata if isinstance(one, ColumnKind)]
        kinds[name] = found[0] if found else ColumnKind.TIME
    return kinds


UPDATABLE = tuple(SpanFields.model_fields)
"""Their order is that of the bits of ``layers``: a new column comes last."""
KINDS = _kinds(SpanRecord)
"""By column, those that the store sets among them."""
RECORD_COLUMNS = tuple(KINDS)
LIGHT_COLUMNS = tuple(LightSpan.model_fields)

CREATED, CREATED_ENDED = 1, 2
_UPDATED_FROM = 2
_BITS = {name: 1 << (_UPDATED_FROM + number) for number, name in enumerate(UPDATABLE)}


def updated_bits(names: Iterable[str]) -> int:
    """The bits of ``layers`` for columns that an update has set."""
    bits = 0
    for name in names:
        bits |= _BITS[name]
    return bits


def is_updated(layers: int, name: str) -> bool:
    """Whether an update has set the column."""
    return bool(layers & _BITS[name])


def stored_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a record as their columns take them. Raises ValueError for what is not JSON."""
    return {
        name: None if value is None else _stored(KINDS[name], value)
        for name, value in values.items()
    }


def arrow_column(name: str, values: Sequence[Any]) -> pa.Array:
    """Stored values of one column."""
    return pa.array(values, _ARROW[KINDS[name]])


def record_of(row: Sequence[Any]) -> SpanRecord:
    """The record of a row of ``RECORD_COLUMNS``."""
    return SpanRecord.model_construct(**_answered(RECORD_COLUMNS, row))


def light_span_of(row: Sequence[Any]) -> LightSpan:
    """The record of a row of ``LIGHT_COLUMNS``."""
    return LightSpan.model_construct(**_answered(LIGHT_COLUMNS, row))


def _stored(kind: ColumnKind, value: Any) -> Any:
    if kind is ColumnKind.TEXT:
        return stored_text(value)
    if kind is ColumnKind.JSON:
        return json_text(value)
    if kind is ColumnKind.TIME:
        return stored_time(value)
    if kind is ColumnKind.TAGS:
        return [stored_text(tag) for tag in value]
    return value


def stored_text(value: str) -> str:
    """Text as UTF-8 can say it: with U+FFFD for halves of surrogate pairs."""
    return value if value.isascii() else str(without_surrogates(value))


def stored_time(value: datetime) -> datetime:
    """A moment in UTC as a TIMESTAMP column takes it."""
    return value.replace(tzinfo=None)


def _answered(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    answered = {}
    for name, value in zip(names, row, strict=True):
        kind = KINDS[name]
        if value is not None and kind is ColumnKind.JSON:
            value = json_value(value)  # noqa: PLW2901 - the same value in another form
        elif value is not None and kind is ColumnKind.TIME:
            value = value.replace(tzinfo=UTC)  # noqa: PLW2901 - the same
        answered[name] = value
    return answered
