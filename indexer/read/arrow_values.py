"""Values of Arrow columns as JSON can say them, whatever their type. Pure.

maps, structs      objects, as are lists of keys and values; a NULL of Parquet is not a value, so
                   its key is left out
VARIANT            the value that it holds; a Part of one with too many elements for a span
text, bytes        text where they are UTF-8; of text the odd bytes are replaced, others are hex
times              decimal nanoseconds since 1970, as text
dates, clock times ISO 8601
decimals           integers where they have no fraction, else doubles
NaN, infinities    their names, as text
"""

import base64
import datetime as dt
import json
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa

from indexer.parquet.variant import Shredded, UnixNanos, is_variant, variant_values
from indexer.read.conform import NANOS_PER, to_nanos
from indexer.read.json_text import number_or_name
from indexer.read.key_values import has_key_values, object_of
from indexer.read.part import Part
from indexer.spans.id_spellings import SPAN_DIGITS, TRACE_DIGITS, id_text
from indexer.spans.limits import SPAN_LIMITS

TRACE_ID_KEYS = ("traceId", "trace_id", "TraceId")
SPAN_ID_KEYS = ("spanId", "span_id", "SpanId")
"""Of a link, by the names that writers give them; raw bytes under these are IDs."""
BYTES_KEYS = ("bytesValue", "bytes_value")
"""OTLP AnyValue: base64 in its JSON form."""


class NanosText(str):
    """A time, as decimal nanoseconds since 1970."""

    __slots__ = ()


def arrow_values(column: pa.Array, key: str = "") -> list[Any]:
    """One value a row, None for a null. ``key`` is the name under which the values stand."""
    values = _BY_TYPE.get(column.type.id)
    if values is not None:
        return values(column, key)
    return [_scalar(value) for value in column.to_pylist()]


def bytes_value(content: bytes, key: str = "") -> str:
    """Bytes without a logical type: text where they are UTF-8, otherwise hex."""
    if key in BYTES_KEYS:
        return base64.b64encode(content).decode()
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.hex()


def row_bounds(column: pa.Array) -> tuple[list[int], pa.Array]:
    """Where the elements of each row of a list or map begin and end, and all elements."""
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        elements = column.values.slice(column.offset * size, len(column) * size)
        return [size * row for row in range(len(column) + 1)], elements
    offsets = column.offsets.to_pylist()
    first = offsets[0]
    elements = column.values.slice(first, offsets[-1] - first)
    return [offset - first for offset in offsets], elements


def pairs_object(keys: Sequence[Any], values: Sequence[Any]) -> dict[str, Any]:
    """The pairs of a map as an object: the last of a key counts, and a NULL leaves it out."""
    names = (key if isinstance(key, str) else json.dumps(key) for key in keys)
    last = dict(zip(names, values, strict=True))
    return {name: value for name, value in last.items() if value is not None}


def _scalar(value: Any) -> Any:
    """One of Python's own values as JSON has it."""
    if isinstance(value, UnixNanos):
        return NanosText(value)
    if isinstance(value, float):
        return number_or_name(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _decimal(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _texts(column: pa.Array, _key: str) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        content = column.cast(pa.large_binary()).to_pylist()
        return [None if one is None else one.decode("utf-8", "replace") for one in content]
    return values


def _binaries(column: pa.Array, key: str) -> list[Any]:
    if key in TRACE_ID_KEYS or key in SPAN_ID_KEYS:
        digits = TRACE_DIGITS if key in TRACE_ID_KEYS else SPAN_DIGITS
        chunked = pa.chunked_array([column], column.type)
        return _texts(id_text(chunked, digits=digits).combine_chunks(), key)
    return [None if one is None else bytes_value(one, key) for one in column.to_pylist()]


def _timestamps(column: pa.Array, _key: str) -> list[Any]:
    nanos = to_nanos(pa.chunked_array([column], column.type), column.type.unit)
    return [None if one is None else NanosText(one) for one in nanos.to_pylist()]


def _durations(column: pa.Array, _key: str) -> list[Any]:
    factor = NANOS_PER[column.type.unit]
    return [None if one is None else one * factor for one in column.cast(pa.int64()).to_pylist()]


def _calendar(column: pa.Array, _key: str) -> list[Any]:
    """Arrow's own text knows years that Python does not."""
    values: list[Any] = column.cast(pa.string()).to_pylist()
    return values


def _decimals(column: pa.Array, _key: str) -> list[Any]:
    return [None if one is None else _decimal(one) for one in column.to_pylist()]


def _floats(column: pa.Array, _key: str) -> list[Any]:
    return [
        None if one is None else number_or_name(one)
        for one in column.cast(pa.float64()).to_pylist()
    ]


def _decoded(column: pa.Array, key: str) -> list[Any]:
    return arrow_values(column.dictionary_decode(), key)


def _stored(column: pa.Array, key: str) -> list[Any]:
    """An extension's values as they are stored, but for UUIDs."""
    if column.type == pa.uuid():
        content = column.storage.to_pylist()
        return [None if one is None else str(uuid.UUID(bytes=one)) for one in content]
    return arrow_values(column.storage, key)


def _lists(column: pa.Array, key: str) -> list[Any]:
    bounds, elements = row_bounds(column)
    values = arrow_values(elements, key)
    rows: list[Any] = [values[start:end] for start, end in pairwise(bounds)]
    if has_key_values(column.type):
        rows = [object_of(pairs) for pairs in rows]
    return _where_valid(column, rows)


def _maps(column: pa.Array, _key: str) -> list[Any]:
    bounds, entries = row_bounds(column)
    keys, items = entries.flatten()
    names = arrow_values(keys)
    values = arrow_values(items)
    rows = [pairs_object(names[start:end], values[start:end]) for start, end in pairwise(bounds)]
    return _where_valid(column, rows)


def _structs(column: pa.Array, _key: str) -> list[Any]:
    if is_variant(column.type):
        return variant_values(column, _SHREDDED)
    names = [column.type.field(at).name for at in range(column.type.num_fields)]
    fields = [
        (name, arrow_values(part, name)) for name, part in zip(names, column.flatten(), strict=True)
    ]
    rows = [
        {name: values[at] for name, values in fields if values[at] is not None}
        for at in range(len(column))
    ]
    return _where_valid(column, rows)


def _where_valid(column: pa.Array, rows: list[Any]) -> list[Any]:
    if not column.null_count:
        return rows
    return [
        row if ok else None for row, ok in zip(rows, column.is_valid().to_pylist(), strict=True)
    ]


_SHREDDED = Shredded(
    typed=arrow_values,
    scalar=_scalar,
    invalid=bytes.hex,
    cut=lambda value, left_out: Part(value, 0, left_out),
    values_max=SPAN_LIMITS.attributes + SPAN_LIMITS.values,
)
_LIB = pa.lib
_BY_TYPE: dict[int, Callable[[pa.Array, str], list[Any]]] = {
    **dict.fromkeys((_LIB.Type_STRING, _LIB.Type_LARGE_STRING, _LIB.Type_STRING_VIEW), _texts),
    **dict.fromkeys((_LIB.Type_BINARY, _LIB.Type_LARGE_BINARY), _binaries),
    **dict.fromkeys((_LIB.Type_FIXED_SIZE_BINARY, _LIB.Type_BINARY_VIEW), _binaries),
    **dict.fromkeys((_LIB.Type_DATE32, _LIB.Type_DATE64), _calendar),
    **dict.fromkeys((_LIB.Type_TIME32, _LIB.Type_TIME64), _calendar),
    **dict.fromkeys((_LIB.Type_DECIMAL32, _LIB.Type_DECIMAL64), _decimals),
    **dict.fromkeys((_LIB.Type_DECIMAL128, _LIB.Type_DECIMAL256), _decimals),
    **dict.fromkeys((_LIB.Type_HALF_FLOAT, _LIB.Type_FLOAT, _LIB.Type_DOUBLE), _floats),
    **dict.fromkeys((_LIB.Type_LIST, _LIB.Type_LARGE_LIST, _LIB.Type_FIXED_SIZE_LIST), _lists),
    _LIB.Type_TIMESTAMP: _timestamps,
    _LIB.Type_DURATION: _durations,
    _LIB.Type_DICTIONARY: _decoded,
    pa.uuid().id: _stored,
    _LIB.Type_MAP: _maps,
    _LIB.Type_STRUCT: _structs,
}
"""All other types are numbers, truth values and nulls, which Python has."""
