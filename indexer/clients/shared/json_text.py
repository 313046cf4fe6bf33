"""Answers as JSON text: in ASCII, with times in ISO 8601, the same on every socket."""

import json
from datetime import datetime
from typing import Any


def as_json(value: Any) -> bytes:
    """A value as JSON text, in ASCII: UTF-8 cannot encode a lone surrogate."""
    return _ENCODER.encode(value).encode()


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_time)
