"""The columns of ``mastra_spans`` as records declare them, and values on their way in and out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pyarrow as pa

from indexer.mastra.json_values import json_text, json_value, without_surrogates
from indexer.mastra.records import ColumnKind, LightSpan, Record, SpanFields, SpanRecord

_ARROW = {
    ColumnKind.TEXT: pa.large_string(),
    ColumnKind.FLAG: pa.bool_(),
    ColumnKind.TIME: pa.timestamp("us"),
    ColumnKind.TAGS: pa.list_(pa.string()),
    ColumnKind.JSON: pa.json_(pa.large_string()),
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
    """Stored values of one column. JSON comes as such, which DuckDB does not parse once more."""
    kind = _ARROW[KINDS[name]]
    if isinstance(kind, pa.JsonType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    return pa.array(values, kind)


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


def _answered(names: tuple[str, ...], row: Sequence[Any]) -> dict[str, Any]:
    answered = dict(zip(names, row, strict=True))
    for name, read in _readers(names):
        if (value := answered[name]) is not None:
            answered[name] = read(value)
    return answered


@cache
def _readers(names: tuple[str, ...]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """How values are read of those columns that answers have in another form."""
    forms: dict[ColumnKind, Callable[[Any], Any]] = {
        ColumnKind.JSON: json_value,
        ColumnKind.TIME: _in_utc,
    }
    return tuple((name, forms[KINDS[name]]) for name in names if KINDS[name] in forms)


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)
