"""A message as the JSON that OTLP's specification says, except that attributes are objects.

Names are in lowerCamelCase, ids hex, enumerations numbers, 64-bit integers text, and what is unset
is absent. ``[{"key": "a", "value": {"intValue": "1"}}]`` is ``{"a": 1}`` here, as in every other
column: a query asks for ``data->'attributes'->>'a'``.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from indexer.otlp.values import attributes, double, json_value

_Write = Callable[[Any], Any]
_KEY_VALUE, _ANY_VALUE = KeyValue.DESCRIPTOR.full_name, AnyValue.DESCRIPTOR.full_name
_LONG = frozenset({FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64})


def record_json(message: Message) -> dict[str, Any]:
    """The fields of a message that are set, as ``json`` takes them."""
    return {field.json_name: _writer(field)(value) for field, value in message.ListFields()}


@cache
def _writer(field: FieldDescriptor) -> _Write:
    if field.is_repeated:
        return attributes if _is(field, _KEY_VALUE) else _each(_writer_of_one(field))
    return _writer_of_one(field)


def _writer_of_one(field: FieldDescriptor) -> _Write:
    if field.message_type is not None:
        return json_value if _is(field, _ANY_VALUE) else record_json
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes.hex
    if field.cpp_type in _LONG:
        return str
    return double if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE else _as_it_is


def _is(field: FieldDescriptor, name: str) -> bool:
    return field.message_type is not None and field.message_type.full_name == name


def _each(write: _Write) -> _Write:
    return lambda values: [write(value) for value in values]


def _as_it_is(value: Any) -> Any:
    return value
