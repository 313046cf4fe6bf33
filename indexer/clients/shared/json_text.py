"""Answers as JSON text: in ASCII, with times in ISO 8601, the same on every socket."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any


def as_json(value: Any) -> bytes:
    """A value as JSON text, in ASCII: UTF-8 cannot encode a lone surrogate."""
    return json_string(value).encode()


def json_string(value: Any) -> str:
    """The same before it is bytes, for a part of a text."""
    return _ENCODER.encode(value)


def as_json_with(value: Any, default: Callable[[object], Any]) -> bytes:
    """The same with times, and whatever else JSON has not, as ``default`` writes them."""
    return json.dumps(value, separators=(",", ":"), default=default).encode()


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_ENCODER = json.JSONEncoder(check_circular=False, separators=(",", ":"), default=_time)
