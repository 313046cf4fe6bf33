"""Values of Parquet's VARIANT, from their bytes and from columns they were shredded into. Pure.

Written after the Parquet format's "Variant Binary Encoding" and "Variant Shredding". A value is
two byte strings: ``metadata`` with the names of fields, and ``value``. A shredded group has a
``typed_value`` beside it, which holds what is of the column's type.
"""

import datetime as dt
import struct
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa

from indexer.deferred_dataclass import dataclass

METADATA, VALUE, TYPED = "metadata", "value", "typed_value"
DEPTH_MAX = 200
"""Values inside each other."""

_EPOCH_DAY = dt.date(1970, 1, 1)
_MICROSECOND_NS = 1_000
_SHORT_TEXT, _OBJECT, _ARRAY = 1, 2, 3  # basic types; 0 is a primitive
_CONSTANTS = {0: None, 1: True, 2: False}
_DECIMALS = {8: 4, 9: 8, 10: 16}
_TIMES = {12: _MICROSECOND_NS, 13: _MICROSECOND_NS, 18: 1, 19: 1}
_NUMBERS = {3: "<b", 4: "<h", 5: "<i", 6: "<q", 7: "<d", 14: "<f"}
_DATE, _BINARY, _TEXT, _TIME, _UUID = 11, 15, 16, 17, 20


class UnixNanos(int):
    """A time in nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Shredded:
    """How the parts of a VARIANT become Python's values."""

    typed: Callable[[pa.Array], list[Any]]
    """Of a typed column."""
    scalar: Callable[[Any], Any]
    """Of a scalar, which is one of Python's own types or UnixNanos."""
    invalid: Callable[[bytes], Any]
    """Of bytes that are no VARIANT."""
    cut: Callable[[Any, int], Any]
    """Of a value of which so many elements are left out."""
    values_max: int
    """Of one VARIANT; elements beyond are left out."""


class _Missing:
    """A field that an object does not have."""


_MISSING = _Missing()


def is_variant(kind: pa.DataType) -> bool:
    """Whether a column holds VARIANTs, which need no annotation: by its parts alone."""
    if not pa.types.is_struct(kind):
        return False
    fields = {kind.field(at).name: kind.field(at).type for at in range(kind.num_fields)}
    parts = fields.keys() - {METADATA}
    are_bytes = all(_is_bytes(fields[name]) for name in fields.keys() & {METADATA, VALUE})
    return (
        len(fields) == kind.num_fields
        and are_bytes
        and METADATA in fields
        and bool(parts)
        and (parts <= {VALUE, TYPED})
    )


def variant_values(column: pa.Array, shredded: Shredded) -> list[Any]:
    """One value a row; None for a null, and for a VARIANT that is null."""
    parts = _parts(column)
    dictionaries = [None if one is None else _Names(one) for one in parts[METADATA].to_pylist()]
    rows = _group_values(parts, dictionaries, shredded)
    return [None if value is _MISSING else value for value in rows]


def _parts(group: pa.Array) -> dict[str, pa.Array]:
    names = [group.type.field(at).name for at in range(group.type.num_fields)]
    return dict(zip(names, group.flatten(), strict=True))


def _group_values(
    parts: dict[str, pa.Array], names: Sequence["_Names | None"], shredded: Shredded
) -> list[Any]:
    """The values of a shredded group, _MISSING where it has none."""
    binary = parts[VALUE].to_pylist() if VALUE in parts else [None] * len(names)
    values = [
        _MISSING if one is None or own is None else _value(own, one, shredded)
        for own, one in zip(names, binary, strict=True)
    ]
    if TYPED not in parts:
        return values
    typed = parts[TYPED]
    present = typed.is_valid().to_pylist()
    found = _typed_values(typed, names, shredded)
    return [
        _together(one, value) if is_typed else value
        for one, value, is_typed in zip(found, values, present, strict=True)
    ]


def _together(typed: Any, rest: Any) -> Any:
    """An object may be shredded in part; its other fields are in ``value``."""
    return {**rest, **typed} if isinstance(typed, dict) and isinstance(rest, dict) else typed


def _typed_values(
    typed: pa.Array, names: Sequence["_Names | None"], shredded: Shredded
) -> list[Any]:
    if pa.types.is_struct(typed.type):
        fields = {
            name: _group_values(_parts(part), names, shredded)
            for name, part in _parts(typed).items()
        }
        return [
            {name: rows[at] for name, rows in fields.items() if rows[at] is not _MISSING}
            for at in range(len(typed))
        ]
    if pa.types.is_list(typed.type) or pa.types.is_large_list(typed.type):
        offsets = typed.offsets.to_pylist()
        elements = typed.values.slice(offsets[0], offsets[-1] - offsets[0])
        counts = [end - start for start, end in pairwise(offsets)]
        own = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
        values = [
            None if one is _MISSING else one
            for one in _group_values(_parts(elements), own, shredded)
        ]
        return [values[start - offsets[0] : end - offsets[0]] for start, end in pairwise(offsets)]
    return shredded.typed(typed)


def _value(names: "_Names", content: bytes, shredded: Shredded) -> Any:
    reader = _Reader(names, content, shredded)
    try:
        value = reader.value(0, DEPTH_MAX)
    except (IndexError, struct.error, ValueError, ArithmeticError):
        return shredded.invalid(content)
    return shredded.cut(value, reader.left_out) if reader.left_out else value


class _Names:
    """The dictionary of field names. Each is read when a field has it, and kept."""

    def __init__(self, metadata: bytes) -> None:
        self._metadata = metadata
        self._known: dict[int, str] = {}
        self._left = len(metadata)

    def __getitem__(self, number: int) -> str:
        if number not in self._known:
            self._known[number] = self._read(number)
        return self._known[number]

    def _read(self, number: int) -> str:
        data = self._metadata
        size = (data[0] >> 6) + 1
        count = _unsigned(data, 1, size)
        if number >= count:
            raise IndexError("a field without a name")
        first = 1 + size
        start = _unsigned(data, first + number * size, size)
        end = _unsigned(data, first + (number + 1) * size, size)
        self._left -= end - start
        if self._left < 0:
            raise ValueError("names that overlap")
        text = first + (count + 1) * size
        return _bytes(data, text + start, end - start).decode("utf-8", "replace")


class _Reader:
    """Reads one value. It gives no more than its bytes hold, wherever their offsets point."""

    def __init__(self, names: _Names, data: bytes, shredded: Shredded) -> None:
        self._names, self._data, self._scalar = names, data, shredded.scalar
        self._bytes_left, self._values_left = len(data), shredded.values_max
        self.left_out = 0

    def value(self, at: int, depth: int) -> Any:
        self._take(1)
        if not depth:
            raise ValueError("too many values inside each other")
        head = self._data[at]
        kind, header = head & 0b11, head >> 2
        if kind == _OBJECT:
            return self._object(at + 1, header, depth)
        if kind == _ARRAY:
            return self._array(at + 1, header, depth)
        if kind == _SHORT_TEXT:
            return self._scalar(self._text(at + 1, header))
        if header == _TEXT:
            return self._scalar(self._text(at + 5, _unsigned(self._data, at + 1, 4)))
        if header == _BINARY:
            length = _unsigned(self._data, at + 1, 4)
            self._take(length)
            return self._scalar(_bytes(self._data, at + 5, length))
        return self._scalar(_primitive(self._data, at + 1, header))

    def _text(self, at: int, length: int) -> str:
        self._take(length)
        return _bytes(self._data, at, length).decode("utf-8", "replace")

    def _object(self, at: int, header: int, depth: int) -> dict[str, Any]:
        offset_size, id_size = (header & 0b11) + 1, (header >> 2 & 0b11) + 1
        count, at = self._count(at, is_large=bool(header >> 4 & 1))
        offsets = at + count * id_size
        start = offsets + (count + 1) * offset_size
        self._fits(start)
        found = {}
        for number in range(self._first_of(count)):
            name = self._names[_unsigned(self._data, at + number * id_size, id_size)]
            place = _unsigned(self._data, offsets + number * offset_size, offset_size)
            found[name] = self.value(start + place, depth - 1)
        return found

    def _array(self, at: int, header: int, depth: int) -> list[Any]:
        offset_size = (header & 0b11) + 1
        count, at = self._count(at, is_large=bool(header >> 2 & 1))
        start = at + (count + 1) * offset_size
        self._fits(start)
        places = (
            _unsigned(self._data, at + number * offset_size, offset_size)
            for number in range(self._first_of(count))
        )
        return [self.value(start + place, depth - 1) for place in places]

    def _count(self, at: int, *, is_large: bool) -> tuple[int, int]:
        size = 4 if is_large else 1
        return _unsigned(self._data, at, size), at + size

    def _fits(self, end: int) -> None:
        if end > len(self._data):
            raise IndexError("the value ends early")

    def _first_of(self, count: int) -> int:
        """How many elements of a container there is room for."""
        taken = min(count, self._values_left)
        self._values_left -= taken
        self.left_out += count - taken
        return taken

    def _take(self, count: int) -> None:
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise ValueError("values that overlap")


def _primitive(data: bytes, at: int, kind: int) -> Any:
    if kind in _CONSTANTS:
        return _CONSTANTS[kind]
    if kind in _NUMBERS:
        return struct.unpack_from(_NUMBERS[kind], data, at)[0]
    if kind in _DECIMALS:
        unscaled = int.from_bytes(_bytes(data, at + 1, _DECIMALS[kind]), "little", signed=True)
        return Decimal(f"{unscaled}E-{data[at]}")  # exact, whatever the context
    if kind in _TIMES:
        return UnixNanos(struct.unpack_from("<q", data, at)[0] * _TIMES[kind])
    if kind == _UUID:
        return uuid.UUID(bytes=_bytes(data, at, 16))
    return _calendar(data, at, kind)


def _calendar(data: bytes, at: int, kind: int) -> dt.date | dt.time:
    if kind == _DATE:
        return _EPOCH_DAY + dt.timedelta(days=struct.unpack_from("<i", data, at)[0])
    if kind == _TIME:
        seconds, micros = divmod(struct.unpack_from("<q", data, at)[0], 1_000_000)
        return dt.time(seconds // 3600, seconds // 60 % 60, seconds % 60, micros)
    raise ValueError(f"VARIANT has no type {kind}")


def _bytes(data: bytes, at: int, count: int) -> bytes:
    if count < 0 or at + count > len(data):
        raise IndexError("the value ends early")
    return data[at : at + count]


def _unsigned(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(_bytes(data, at, size), "little")


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
