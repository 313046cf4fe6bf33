"""Values of nested columns, of each row no more elements than one may have. Pure.

Lists, maps and structs are sliced while they are Arrow's: a million elements are a few MB there,
and hundreds as Python's values.
"""

from typing import Any

import pyarrow as pa

from indexer.parquet.variant import is_variant
from indexer.read.arrow_values import arrow_values, pairs_object, row_bounds
from indexer.read.key_values import has_key_values, object_of
from indexer.read.part import Part


def nested_values(
    column: pa.ChunkedArray, elements_max: int, inside_max: int, key: str = ""
) -> list[Any]:
    """One value a row, a Part where the row has more elements, or more inside these.

    ``key`` is the name under which the values stand.
    """
    return [row for chunk in column.chunks for row in _rows(chunk, elements_max, inside_max, key)]


def element_count(array: pa.Array) -> int:
    """Elements of all lists and maps in an array, those inside each other too.

    A VARIANT has none: it is cut where its bytes are read.
    """
    if is_variant(array.type):
        return 0
    if pa.types.is_struct(array.type):
        return sum(element_count(field) for field in array.flatten())
    if not _is_list(array.type):
        return 0
    _, elements = row_bounds(array)
    return len(elements) + element_count(elements)


def _rows(array: pa.Array, elements_max: int, inside_max: int, key: str) -> list[Any]:
    """Halved until a part has too few elements for any row to have too many."""
    if element_count(array) <= min(elements_max, inside_max):
        return arrow_values(array, key)
    if len(array) > 1:
        half = len(array) // 2
        first, second = array.slice(0, half), array.slice(half)
        parts = (_rows(part, elements_max, inside_max, key) for part in (first, second))
        return [row for part in parts for row in part]
    elements = row_bounds(array)[1] if _is_list(array.type) else array
    kept = elements.slice(0, elements_max)
    value, used = _container(array, kept, inside_max, key)
    left_out, inside_left_out = len(elements) - len(kept), element_count(kept) - used
    return [Part(value, left_out, inside_left_out) if left_out or inside_left_out else value]


def _container(array: pa.Array, kept: pa.Array, room: int, key: str) -> tuple[Any, int]:
    """The value of the only row, whose elements are ``kept``; how many are inside of these."""
    if pa.types.is_map(array.type):
        keys, items = kept.flatten()
        values, used = _within(items, room, key)
        return pairs_object(arrow_values(keys), values), used
    if _is_list(array.type):
        values, used = _within(kept, room, key)
        return (object_of(values) if has_key_values(array.type) else values), used
    return _struct(array, room)


def _within(array: pa.Array, room: int, key: str) -> tuple[list[Any], int]:
    """The values with at most ``room`` elements inside them, and how many these are."""
    total = element_count(array)
    if total <= room:
        return arrow_values(array, key), total
    if len(array) > 1:
        half = len(array) // 2
        first, used = _within(array.slice(0, half), room, key)
        second, more = _within(array.slice(half), room - used, key)
        return first + second, used + more
    if not array[0].is_valid:
        return [None], 0
    if not _is_list(array.type):
        value, used = _struct(array, room)
        return [value], used
    kept = row_bounds(array)[1].slice(0, room)
    value, used = _container(array, kept, room - len(kept), key)
    return [value], used + len(kept)


def _struct(array: pa.Array, room: int) -> tuple[dict[str, Any], int]:
    value, used = {}, 0
    for field, part in zip(array.type, array.flatten(), strict=True):
        (one,), more = _within(part, room - used, field.name)
        used += more
        if one is not None:
            value[field.name] = one
    return value, used


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(is_list or types.is_map(kind))
