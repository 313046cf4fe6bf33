"""JSON that somebody wrote, read so that every answer can say it again as valid JSON. Pure.

RFC 8259 leaves open what a reader does with NaN, numbers beyond doubles, keys that occur twice and
halves of surrogate pairs. Here each has one rule:

    NaN, Infinity          their names as text, as the JSON mapping of Protocol Buffers spells them
    beyond a double        the number as it stands, as text
    a key twice            the last one counts
    half a surrogate pair  U+FFFD
    text that is no JSON   stays the text that it is; so does JSON that is nested too deep
"""

import json
import math
import re
from typing import Any

from indexer.spans.limits import SPAN_LIMITS

NESTED_MAX = 2 * SPAN_LIMITS.depth
"""Values inside each other: twice what a door takes, for writers that have two of theirs for one of
OTLP's. JSON that is deeper was made to break its readers, and stays text."""

DOUBLE_DIGITS = 308
"""An integer of so many digits is a double's (IEEE 754: the largest has 309)."""

_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str) -> Any:
    """The JSON value of a text, or the text itself when it is none."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return text
    if "\\u" in text and _HALF_PAIR.search(text):
        value = whole_text(value)
    if text.count("[") + text.count("{") > NESTED_MAX and is_too_deep(value):
        return text
    return value


def whole_text(value: Any) -> Any:
    """The value with U+FFFD for each half of a surrogate pair, which UTF-8 cannot say."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [whole_text(one) for one in value]
    if isinstance(value, dict):
        return {whole_text(key): whole_text(one) for key, one in value.items()}
    return value


def is_too_deep(value: Any, nested_max: int = NESTED_MAX) -> bool:
    """Whether more values are inside each other."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inner) and (
        nested_max == 0 or any(is_too_deep(one, nested_max - 1) for one in inner)
    )


def number_or_name(value: float) -> float | str:
    """A double as JSON can say it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _finite(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= DOUBLE_DIGITS or math.isfinite(float(text)) else text


_DECODER = json.JSONDecoder(parse_constant=str, parse_float=_finite, parse_int=_whole)
