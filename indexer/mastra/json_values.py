"""JSON as it is stored: what JavaScript would write, in text that any reader takes."""

import json
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

JSON_BYTES_MAX = 64 << 20
"""Of one value: a page of a list may hold a hundred of them."""


def json_text(value: Any) -> str:
    """Compact JSON; NaN and infinities are null, and halves of surrogate pairs U+FFFD.

    Raises ValueError for what is nested deeper than 255 levels or too large.
    """
    try:
        text = to_json(value, inf_nan_mode="null", fallback=str)
    except (PydanticSerializationError, UnicodeEncodeError):
        text = to_json(without_surrogates(value), inf_nan_mode="null", fallback=str)
    if len(text) > JSON_BYTES_MAX:
        raise ValueError(f"JSON of {len(text):,} bytes, more than {JSON_BYTES_MAX:,}")
    return text.decode()


def json_value(text: str) -> Any:
    """The value of stored JSON."""
    try:
        return from_json(text)
    except ValueError:  # nested deeper than this reader goes
        return json.loads(text)


def without_surrogates(value: Any) -> Any:
    """The value with U+FFFD for every half of a surrogate pair, which UTF-8 cannot say."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_surrogates(each) for each in value]
    return value
