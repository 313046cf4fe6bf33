"""What stands inside the values of a column, and objects made of several columns. Pure.

A path is names, one inside the other: of fields of a struct, of keys of a map or of an object,
which may be JSON text. A name that ends in ``*`` is the object of all members that begin so,
without their beginning. A path of no names is the value of JSON text.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from indexer.parquet.variant import is_variant
from indexer.read.arrow_values import arrow_values
from indexer.read.dialect_fields import REST, Paths
from indexer.read.json_text import json_text, parse_json
from indexer.read.part import Part
from indexer.system import arrow_compute as pc

_ALIKE_MAX = 1_024
"""Distinct JSON texts of a column that are parsed once: a resource repeats span after span."""


def member(value: Any, paths: Paths) -> Any:
    """What the first of the paths leads to that leads anywhere; None if none does."""
    for path in paths:
        found = value
        for name in path:
            found = _step(found, name)
        found = found if path else _parsed(value)
        if found is not None:
            return found
    return None


def gathered(
    values: Iterable[tuple[str, Any]], *, zero_is_nothing: bool = False
) -> dict[str, Any] | Part:
    """The object of these keys and values; nothing, empty text and empty lists are left out.

    Of a value that is a Part, the object is a Part too.
    """
    found: dict[str, Any] = {}
    left_out = inside_left_out = 0
    for key, stored in values:
        value = stored
        if isinstance(stored, Part):
            value = stored.stored
            left_out += stored.left_out if key.endswith(REST) else 0
            inside_left_out += stored.inside_left_out
            inside_left_out += 0 if key.endswith(REST) else stored.left_out
        found |= {name: one for name, one in _members(key, value) if _says(one, zero_is_nothing)}
    return Part(found, left_out, inside_left_out) if left_out or inside_left_out else found


def _members(key: str, value: Any) -> Iterable[tuple[str, Any]]:
    """The value under the key, or those inside of it; what has none stands there itself."""
    if not key.endswith(REST):
        return [(key, value)]
    begin, inside = key.removesuffix(REST), _parsed(value)
    if isinstance(inside, dict):
        return [(begin + name, one) for name, one in inside.items()]
    return [(begin.removesuffix("."), value)] if begin else []


def whole(value: Any) -> Any:
    """The value with integers for doubles that have no fraction, at any depth."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(one) for one in value]
    if isinstance(value, dict):
        return {key: whole(one) for key, one in value.items()}
    return (
        Part(whole(value.stored), value.left_out, value.inside_left_out)
        if isinstance(value, Part)
        else value
    )


def member_column(column: pa.ChunkedArray, paths: Paths) -> pa.ChunkedArray:
    """The members as text, NULL where there are none; numbers and objects as JSON.

    Of a key that a map has twice it is the first.
    """
    found = [pc.coalesce(*(_reached(chunk, path) for path in paths)) for chunk in column.chunks]
    return pa.chunked_array(found, pa.string())


def _reached(chunk: pa.Array, path: tuple[str, ...]) -> pa.Array:
    """As far as Arrow has types, then value by value."""
    for at, name in enumerate(path):
        kind = chunk.type
        if pa.types.is_struct(kind) and not is_variant(kind) and kind.get_field_index(name) >= 0:
            chunk = pc.struct_field(chunk, name)
        elif pa.types.is_map(kind) and pa.types.is_string(kind.key_type) and REST not in name:
            chunk = pc.map_lookup(chunk, pa.scalar(name), "first")
        else:
            return _by_value(chunk, (path[at:],))
    is_text = pa.types.is_large_string(chunk.type) or pa.types.is_string_view(chunk.type)
    chunk = chunk.cast(pa.string()) if is_text else chunk
    return chunk if pa.types.is_string(chunk.type) else _by_value(chunk, ((),))


def _by_value(chunk: pa.Array, paths: Paths) -> pa.Array:
    alike: dict[str, str | None] = {}
    found = []
    for value in arrow_values(chunk):
        text = alike.get(value) if isinstance(value, str) else None
        if text is None:
            text = _text(member(value, paths))
        if isinstance(value, str) and len(alike) < _ALIKE_MAX:
            alike[value] = text
        found.append(text)
    return pa.array(found, pa.string())


def _step(value: Any, name: str) -> Any:
    value = _parsed(value.stored if isinstance(value, Part) else value)
    if not isinstance(value, Mapping):
        return None
    if not name.endswith(REST):
        return value.get(name)
    begin = name.removesuffix(REST)
    members = {key.removeprefix(begin): one for key, one in value.items() if key.startswith(begin)}
    return members or None


def _parsed(value: Any) -> Any:
    return parse_json(value) if isinstance(value, str) and value[:1] in ("{", "[") else value


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json_text(value)


def _says(value: Any, zero_is_nothing: bool) -> bool:  # noqa: FBT001 - the word of a dialect
    if isinstance(value, str | list | dict):
        return bool(value)
    is_zero = isinstance(value, int | float) and not isinstance(value, bool) and value == 0
    return value is not None and not (zero_is_nothing and is_zero)
