"""JSON that somebody wrote, read so that every answer can say it again as valid JSON. Pure.

RFC 8259 leaves open what a reader does with NaN, numbers beyond doubles, keys that occur twice and
halves of surrogate pairs. Here each has one rule:

    NaN, Infinity          their names as text, as the JSON mapping of Protocol Buffers spells them
    beyond a double        the number as it stands, as text
    a key twice            the last one counts
    half a surrogate pair  U+FFFD
    text that is not JSON  stays the text that it is; so does JSON that is nested too deep
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
        value, end = (None, -1) if text[:1].isspace() else _DECODER.raw_decode(text)
        if end != len(text):  # blanks around it, or no JSON
            value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return text
    if "\\u" in text and _HALF_PAIR.search(text):
        value = whole_text(value)
    if text.count("[") + text.count("{") > NESTED_MAX and is_too_deep(value):
        return text
    return value


def is_plain_json(text: str, bracket: str) -> bool:
    """Whether a text is an object or a list that every reader of JSON takes for the same value.

    ``bracket`` opens it. None of the rules above is needed for it, so it can stand in an answer as
    it is.
    """
    if not text.lstrip(_WHITESPACE).startswith(bracket) or _HALF_PAIR.search(text):
        return False
    try:
        value = _PLAIN_DECODER.decode(text)
    except (ValueError, RecursionError):
        return False
    return text.count("[") + text.count("{") <= NESTED_MAX or not is_too_deep(value)


def json_text(value: Any) -> str:
    """The JSON of a value that is canonical, without blanks."""
    return _ENCODER.encode(value)


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


def _plain_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _plain_int(text: str) -> int:
    if len(text) > DOUBLE_DIGITS:
        raise ValueError(text)
    return int(text)


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a key occurs twice")
    return found


_DECODER = json.JSONDecoder(parse_constant=str, parse_float=_finite, parse_int=_whole)
_PLAIN_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_refuse,
    parse_float=_plain_float,
    parse_int=_plain_int,
)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
)
_WHITESPACE = " \t\n\r"
