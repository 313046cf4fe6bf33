"""Lists of keys and values as objects, and OTLP's AnyValue as the value that it is. Pure.

OTLP has attributes as ``[{"key": …, "value": {"stringValue": …}}]``; writers that keep its messages
write them so, with the member names of its JSON or its protobuf form, or with plain values.
"""

import base64
import binascii
from typing import Any

import pyarrow as pa

_TEXT = {"stringValue", "string_value"}
_NUMBER = {"intValue", "int_value", "doubleValue", "double_value"}
_TRUTH = {"boolValue", "bool_value"}
_BYTES = {"bytesValue", "bytes_value"}
_ARRAY = {"arrayValue", "array_value"}
_OBJECT = {"kvlistValue", "kvlist_value"}
ANY_VALUE = _TEXT | _NUMBER | _TRUTH | _BYTES | _ARRAY | _OBJECT
"""OTLP common.proto, AnyValue: one of these."""

_PAIR = {"key", "value"}
_INT64_DIGITS = 19


def is_key_values(value: Any) -> bool:
    """Whether a list has pairs of a key and a value, and nothing else."""
    return isinstance(value, list) and bool(value) and all(map(_is_pair, value))


def has_key_values(kind: pa.DataType) -> bool:
    """Whether a column's lists are of such pairs."""
    types = pa.types
    if not (types.is_list(kind) or types.is_large_list(kind)) or types.is_map(kind):
        return False
    pair = kind.value_type
    if not types.is_struct(pair) or {field.name for field in pair} != _PAIR:
        return False
    key = pair.field("key").type
    is_text = types.is_string(key) or types.is_large_string(key)
    return bool(is_text or types.is_binary(key) or types.is_large_binary(key))


def object_of(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """The pairs as an object: the last of a key counts, a pair without a value says nothing."""
    values = {pair.get("key", ""): any_value(pair.get("value")) for pair in pairs}
    return {key: value for key, value in values.items() if value is not None}


def any_value(value: Any) -> Any:
    """The value of an AnyValue; any other value as it is."""
    if not isinstance(value, dict) or not value.keys() <= ANY_VALUE:
        return value
    if not value:
        return None
    ((member, held),) = list(value.items())[:1]
    if member in _ARRAY:
        values = held.get("values", []) if isinstance(held, dict) else held
        return [any_value(one) for one in values] if isinstance(values, list) else held
    if member in _OBJECT:
        pairs = held.get("values", []) if isinstance(held, dict) else held
        return object_of(pairs) if is_key_values(pairs) else held
    if member in _NUMBER:
        return _number(held, is_whole=member in {"intValue", "int_value"})
    return _hex(held) if member in _BYTES else held


def _is_pair(one: Any) -> bool:
    """Protobuf leaves out an empty key."""
    if not isinstance(one, dict) or not one.keys() <= _PAIR:
        return False
    value = one.get("value")
    is_typed = isinstance(value, dict) and len(value) == 1 and value.keys() <= ANY_VALUE
    return isinstance(one.get("key"), str) or ("key" not in one and is_typed)


def _number(held: Any, *, is_whole: bool) -> Any:
    """Protobuf's JSON has 64-bit integers as text."""
    if not is_whole or not isinstance(held, str):
        return held
    digits = held.removeprefix("-")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= _INT64_DIGITS
    return int(held) if is_number else held


def _hex(held: Any) -> Any:
    try:
        return base64.b64decode(held, validate=True).hex()
    except (TypeError, ValueError, binascii.Error):
        return held
