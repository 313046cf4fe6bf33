"""Columns of a file in the types that all files of a batch share, whatever its writer chose.

Ids and texts become strings, times and durations int64 nanoseconds, enumerations int64 by number.
Costs nothing where a column has the type already.
"""

import re

import numpy as np
import pyarrow as pa

from indexer.errors import SchemaMismatch
from indexer.read.dialect_fields import Field
from indexer.spans.id_spellings import SPAN_DIGITS, TRACE_DIGITS, id_text
from indexer.system import arrow_compute as pc

TIME_MAX = int(np.iinfo(np.int64).max)
"""What a time saturates to that nanoseconds in an int64 cannot hold."""
UNIT_SAMPLE_ROWS = 64
CONTRADICTING_ROWS_MIN = 8
"""So many rows, all of them, contradict what a file declares; odd values of a few are clamped."""
TELLING_MIN = 10**9
"""Smaller numbers are not a time since 2001 in any unit, and tell nothing about theirs."""

NANOS_PER = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_INT64_BITS = 64
_UNITS = (None, "s", "ms", "us", "ns")
_UNITS_FROM = np.array([TELLING_MIN, 10**11, 10**14, 10**17])
"""Seconds, milli-, micro- and nanoseconds of the years 1973 to 5138 do not overlap."""
_SHARED_TYPES = {
    "id": pa.string(),
    "integer": pa.int64(),
    "text": pa.dictionary(pa.int32(), pa.string()),
}
_NUMBERS = {
    "kind": {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4}
    | {"consumer": 5, "": 0},
    "status": {"unset": 0, "ok": 1, "error": 2, "": 0},
}
"""OTLP trace.proto, Span.SpanKind and Status.StatusCode, by the end of their names."""
_BEFORE = {
    "kind": re.compile(r"(?:[a-z_]+\.)?(?:span_kind_)?"),
    "status": re.compile(r"(?:[a-z_]+\.)?(?:status_code_)?"),
}
_UNKNOWN = -1
_UUID = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){2}-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{12})$"
_ENUM_DIGITS_MAX = 3
"""More is beyond what the index holds of an enumeration."""


def conform(column: pa.ChunkedArray, field: Field, unit: str | None) -> pa.ChunkedArray:
    """One column; ``unit`` is what ``time_unit`` said of it, None for other fields."""
    if field.type == "timestamp":
        return to_nanos(column, unit or "ns")
    if field.type == "duration":
        declared = column.type.unit if pa.types.is_duration(column.type) else field.unit
        return to_nanos(column, declared or "ns")
    if field.values is not None or (
        field.type in _NUMBERS and not pa.types.is_integer(column.type)
    ):
        return _numbered(column, field)
    target = _SHARED_TYPES.get(field.type, pa.int64())
    if column.type == target and field.type != "uuid":
        return column
    if field.type in ("id", "uuid"):
        column = _second_half(column) if field.type == "uuid" else column
        return id_text(column, digits=TRACE_DIGITS if field.name == "trace_id" else SPAN_DIGITS)
    column = _as_text(column)
    if field.type == "text" and not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    return column.cast(target, safe=False)


def _second_half(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The last 16 digits of UUIDs (RFC 9562); any other text as it is."""
    text = _as_text(column)
    text = text.cast(pa.string()) if not pa.types.is_string(text.type) else text
    return pc.replace_substring_regex(text, _UUID, r"\1\2")


def time_unit(column: pa.ChunkedArray, name: str, path: str) -> str:
    """The unit of a column of times: the declared one, or what its numbers look like.

    Raises SchemaMismatch when the numbers contradict what the file declares: milliseconds under
    the name of nanoseconds put a span into the year 1970.
    """
    units = _likely_units(column)
    likely = max(units, key=lambda unit: units[unit], default="ns")
    if not pa.types.is_timestamp(column.type):
        return likely
    declared: str = column.type.unit
    if set(units) == {likely} != {declared} and units[likely] >= CONTRADICTING_ROWS_MIN:
        message = f"column {name} says {declared}, and its numbers are those of {likely}"
        raise SchemaMismatch(message, path=path)
    return declared


def _likely_units(column: pa.ChunkedArray) -> dict[str, int]:
    """How many of the first numbers look like times in which unit."""
    rows = column.slice(0, UNIT_SAMPLE_ROWS)
    sample = rows.chunk(0) if rows.num_chunks == 1 else rows.combine_chunks()
    if sample.null_count:
        sample = sample.drop_null()
    wide = sample.type.bit_width == _INT64_BITS
    sample = sample.view(pa.int64()) if wide else sample.cast(pa.int64())
    numbers = np.abs(sample.to_numpy())
    if len(numbers) and numbers.min() >= _UNITS_FROM[-1]:  # as of most
        return {_UNITS[-1]: len(numbers)}
    counts = np.bincount(np.searchsorted(_UNITS_FROM, numbers, side="right"), minlength=len(_UNITS))
    return {unit: int(n) for unit, n in zip(_UNITS, counts, strict=True) if unit and n}


def to_nanos(column: pa.ChunkedArray, unit: str) -> pa.ChunkedArray:
    """Nanoseconds as int64; what does not fit saturates and is clamped later."""
    factor = NANOS_PER[unit]
    values = column.cast(pa.int64(), safe=False)
    if factor == 1:
        return values
    bound = TIME_MAX // factor
    beyond = pc.or_(pc.greater(values, bound), pc.less(values, -bound))
    sign = pc.if_else(pc.less(values, 0), -1, TIME_MAX)
    scaled = pc.multiply(pc.if_else(beyond, 0, values), factor)
    return pc.if_else(beyond, sign, scaled)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bytes as the text that they are meant to be, unproven; other types as they are."""
    if not pa.types.is_dictionary(column.type):
        text = _TEXT_OF.get(column.type)
        if text is None:
            return column
        return pa.chunked_array([chunk.view(text) for chunk in column.chunks], text)
    text = _TEXT_OF.get(column.type.value_type)
    if text is None:
        return column
    return pa.chunked_array(
        [
            pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.view(text))
            for chunk in column.chunks
        ],
        pa.dictionary(column.type.index_type, text),
    )


_TEXT_OF = {pa.binary(): pa.string(), pa.large_binary(): pa.large_string()}


def _numbered(column: pa.ChunkedArray, field: Field) -> pa.ChunkedArray:
    """Names of an enumeration as its numbers; a name that is none becomes a number that is none.

    Where the writer's own names are said, any other has 0.
    """
    coded = _as_text(column).cast(pa.string()).dictionary_encode().combine_chunks()
    coded = coded if isinstance(coded, pa.DictionaryArray) else coded.chunk(0)
    texts = coded.dictionary.cast(pa.binary()).to_pylist()
    if field.values is None:
        known = [_number(text, field.type) for text in texts]
    else:
        numbers_of = dict(field.values)
        known = [numbers_of.get(text.decode("utf-8", "replace"), 0) for text in texts]
    numbers = pa.array(known, pa.int64())
    return pa.chunked_array([numbers.take(coded.indices)])


def _number(text: bytes, kind: str) -> int:
    """Digits are a number, a name is one in any case, after any type's name and a dot."""
    name = text.strip().lower().decode("ascii", "replace")
    if name.isdecimal() and len(name) <= _ENUM_DIGITS_MAX:
        return int(name)
    return _NUMBERS[kind].get(_BEFORE[kind].sub("", name, count=1), _UNKNOWN)
