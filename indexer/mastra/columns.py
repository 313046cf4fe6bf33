"""The columns of ``mastra_spans`` as records declare them, and values on their way in and out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import methodcaller
from typing import Any, TypeVar

import pyarrow as pa

from indexer.mastra.json_values import json_text, json_value, without_surrogates
from indexer.mastra.records import ColumnKind, LightSpan, Record, SpanFields, SpanRecord

R = TypeVar("R", bound=Record)
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

_FORMS: Mapping[ColumnKind, Callable[[Any], Any]] = {
    ColumnKind.JSON: json_value,
    ColumnKind.TIME: methodcaller("replace", tzinfo=UTC),
}
"""How answers have values of columns that hold them in another form."""

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


def store_values(values: dict[str, Any]) -> None:
    """Bring a record's values into the form of their columns.

    Raises ValueError for what is not JSON.
    """
    for name in _STORED_FORMS.keys() & values.keys():
        if (value := values[name]) is not None:
            values[name] = _STORED_FORMS[name](value)


def arrow_column(name: str, values: Sequence[Any]) -> pa.Array:
    """Stored values of one column. JSON comes as such, which DuckDB does not parse once more."""
    kind = _ARROW[KINDS[name]]
    if isinstance(kind, pa.JsonType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array(without_surrogates(list(values)), kind)


@lru_cache(128)
def reader(model: type[R], names: tuple[str, ...]) -> Callable[[Sequence[Any]], R]:
    """What makes a record of a row of these columns; fields that are none of them are None.

    Records are copies of one: to construct each anew takes several times as long.
    """
    empty = model.model_construct(**dict.fromkeys(model.model_fields))
    forms = [
        (place, _FORMS[KINDS[name]])
        for place, name in enumerate(names)
        if KINDS.get(name) in _FORMS
    ]

    def read(row: Sequence[Any]) -> R:
        values = list(row)
        for place, form in forms:
            if (value := values[place]) is not None:
                values[place] = form(value)
        return empty.model_copy(update=dict(zip(names, values, strict=True)))

    return read


def stored_text(value: str) -> str:
    """Text as UTF-8 can say it: with U+FFFD for halves of surrogate pairs."""
    return value if value.isascii() else str(without_surrogates(value))


def stored_time(value: datetime) -> datetime:
    """A moment in UTC as a TIMESTAMP column takes it."""
    return value.replace(tzinfo=None)


_STORED_FORMS: Mapping[str, Callable[[Any], Any]] = {
    **{name: json_text for name, kind in KINDS.items() if kind is ColumnKind.JSON},
    **{name: stored_time for name, kind in KINDS.items() if kind is ColumnKind.TIME},
}
"""Of columns that hold values in another form than records."""
