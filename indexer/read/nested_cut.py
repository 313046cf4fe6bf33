"""Python's values of nested columns, of each row no more elements than one may have. Pure.

Lists, maps and structs are sliced while they are Arrow's: a million elements are a few MB there,
and hundreds as Python's values.
"""

from typing import Any

import pyarrow as pa

from indexer.read.part import Part


def nested_values(column: pa.ChunkedArray, elements_max: int, inside_max: int) -> list[Any]:
    """One value a row, a Part where the row has more elements, or more inside these."""
    return [row for chunk in column.chunks for row in _rows(chunk, elements_max, inside_max)]


def element_count(array: pa.Array) -> int:
    """Elements of all lists and maps in an array, those inside each other too."""
    if pa.types.is_struct(array.type):
        return sum(element_count(field) for field in array.flatten())
    if not _is_list(array.type):
        return 0
    elements = _elements(array)
    return len(elements) + element_count(elements)


def _rows(array: pa.Array, elements_max: int, inside_max: int) -> list[Any]:
    """Halved until a part has too few elements for any row to have too many."""
    if element_count(array) <= min(elements_max, inside_max):
        values: list[Any] = array.to_pylist()
        return values
    if len(array) > 1:
        half = len(array) // 2
        first, second = array.slice(0, half), array.slice(half)
        return _rows(first, elements_max, inside_max) + _rows(second, elements_max, inside_max)
    elements = _elements(array) if _is_list(array.type) else array
    kept = elements.slice(0, elements_max)
    value, used = _container(array, kept, inside_max)
    left_out, inside_left_out = len(elements) - len(kept), element_count(kept) - used
    return [Part(value, left_out, inside_left_out) if left_out or inside_left_out else value]


def _container(array: pa.Array, kept: pa.Array, room: int) -> tuple[Any, int]:
    """The value of the only row, whose elements are ``kept``; how many are inside of these."""
    if pa.types.is_map(array.type):
        keys, items = kept.flatten()
        values, used = _within(items, room)
        return list(zip(keys.to_pylist(), values, strict=True)), used
    if _is_list(array.type):
        return _within(kept, room)
    return _struct(array, room)


def _within(array: pa.Array, room: int) -> tuple[list[Any], int]:
    """The values with at most ``room`` elements inside them, and how many these are."""
    total = element_count(array)
    if total <= room:
        return array.to_pylist(), total
    if len(array) > 1:
        half = len(array) // 2
        first, used = _within(array.slice(0, half), room)
        second, more = _within(array.slice(half), room - used)
        return first + second, used + more
    if not array[0].is_valid:
        return [None], 0
    if not _is_list(array.type):
        value, used = _struct(array, room)
        return [value], used
    kept = _elements(array).slice(0, room)
    value, used = _container(array, kept, room - len(kept))
    return [value], used + len(kept)


def _struct(array: pa.Array, room: int) -> tuple[dict[str, Any], int]:
    value, used = {}, 0
    for field, part in zip(array.type, array.flatten(), strict=True):
        (value[field.name],), more = _within(part, room - used)
        used += more
    return value, used


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind))


def _elements(array: pa.Array) -> pa.Array:
    """Of all its lists, one after the other."""
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    return array.values.slice(first, last - first)
