"""Messages as OTLP's JSON, strictly by its specification, written for tests alone.

It shares nothing with what reads JSON, so that both being wrong in one way is unlikely.
"""

import base64
import json
import math

_IDS = {"trace_id", "span_id", "parent_span_id"}


def json_line(message) -> bytes:
    """One document and a line feed."""
    return json.dumps(json_of(message), ensure_ascii=False).encode() + b"\n"


def json_of(message):
    """The message as ``json`` takes it: names in lowerCamelCase, hex ids, 64-bit integers as text."""
    return {field.json_name: _of_field(field, value) for field, value in message.ListFields()}


def _of_field(field, value):
    if field.is_repeated:
        return [_of_one(field, one) for one in value]
    return _of_one(field, value)


def _of_one(field, value):
    if field.message_type is not None:
        return json_of(value)
    if isinstance(value, bytes):
        return value.hex() if field.name in _IDS else base64.b64encode(value).decode()
    if isinstance(value, float):
        return _double(value)
    is_long = field.cpp_type in {field.CPPTYPE_INT64, field.CPPTYPE_UINT64}
    return str(value) if is_long else value


def _double(value):
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
