"""What a span's attributes say without an index: whether it is a call of a model, what a key has.

For spans that no file has given to the index yet, by the rules that ``read.promoted`` goes by for
those that it has. Pure: the attributes are JSON text, and text that is none has nothing; neither
has what DuckDB alone takes for JSON (a comma before a bracket, NaN in small letters).
"""

import json
from decimal import Decimal
from typing import Any

from indexer.read.promoted import VALUE_CHARS_MAX

OPENINFERENCE_KIND, OPENINFERENCE_LLM = "openinference.span.kind", "LLM"
"""OpenInference's semantic conventions: every span has its kind, in capitals."""
GEN_AI = "gen_ai."
"""The namespace of OpenTelemetry's conventions for generative AI. Their spans have to name the
operation and the provider; the provider's key was ``gen_ai.system`` before it was
``gen_ai.provider.name``, so that the namespace is what all versions share."""

_EMPTY: tuple[Any, ...] = ("", [], ())
"""A text, a list, and an object as the pairs that it has."""
_ESCAPED = "\\u00"
"""How JSON may spell any ASCII letter: a key that is spelled so is not found as text."""
_SURROGATE = "\\ud"

_EXPONENTS = range(-6, 21)
"""Of ten, where DuckDB writes a number with a decimal point and without an exponent."""

_ESCAPES = {number: f"\\u{number:04X}" for number in range(32)} | {
    ord(letter): f"\\{short}" for letter, short in zip('"\\\b\f\n\r\t', '"\\bfnrt', strict=True)
}


class _Literal(str):
    """A number as JSON text, and not a text."""

    __slots__ = ()


def is_llm(attributes_json: str | None) -> bool:
    """Whether the attributes are those of a call of a model.

    They are when ``openinference.span.kind`` is exactly "LLM", or when any key that begins with
    ``gen_ai.`` has a value that is not null, and no empty text, list or object. Text with the
    letters of neither is not parsed.
    """
    if attributes_json is None or not _may_be_llm(attributes_json):
        return False
    return any(
        value == OPENINFERENCE_LLM
        if key == OPENINFERENCE_KIND
        else key.startswith(GEN_AI) and value not in _EMPTY
        for key, value in _attributes(attributes_json).items()
    )


def has_value(attributes_json: str | None, key: str, value: str | None = None) -> bool:
    """Whether the attributes have the key, with that value if one is given.

    As the index compares: text as it is, other values as DuckDB writes their JSON, cut after
    ``VALUE_CHARS_MAX``; null is absent, and of a key that is there twice the first counts.
    """
    if attributes_json is None:
        return False
    found = _attributes(attributes_json).get(key)
    if found is None or value is None:
        return found is not None
    try:
        return value == (found if isinstance(found, str) else _json(found))[:VALUE_CHARS_MAX]
    except RecursionError:  # nested deeper than Python counts
        return False


def _may_be_llm(text: str) -> bool:
    return GEN_AI in text or OPENINFERENCE_KIND in text or _ESCAPED in text


def _attributes(attributes_json: str) -> dict[str, Any]:
    """Values that are not null; an object is the tuple of its pairs, a number a ``_Literal``."""
    try:
        pairs = _DECODER.decode(attributes_json)
        if _SURROGATE in attributes_json.lower():
            json.dumps(pairs, ensure_ascii=False).encode()  # half a pair is no letter
    except (ValueError, RecursionError):
        return {}
    first = dict(reversed(pairs)) if isinstance(pairs, tuple) else {}
    return {key: value for key, value in first.items() if value is not None}


def _json(value: Any) -> str:
    """As DuckDB writes it: compact, every pair of an object, control characters in capitals."""
    if isinstance(value, _Literal):
        return str(value)
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, tuple):
        return "{" + ",".join(f"{_json(key)}:{_json(item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(item) for item in value) + "]"
    return "null" if value is None else str(value).lower()


def _integer(text: str) -> _Literal:
    return _Literal("0" if text == "-0" else text)


def _real(text: str) -> _Literal:
    """The fewest digits that are the same double; one that no double holds stays as it was."""
    number = float(text)
    if number in (float("inf"), float("-inf")):
        return _Literal(text)
    decimal = Decimal(repr(number))
    if number == 0:
        return _Literal("-0.0" if decimal.is_signed() else "0.0")
    sign, digits, _ = decimal.normalize().as_tuple()
    exponent = decimal.adjusted()
    if exponent in _EXPONENTS:
        plain = f"{decimal.normalize():f}"
        return _Literal(plain if "." in plain else f"{plain}.0")
    first, rest = digits[0], "".join(map(str, digits[1:]))
    return _Literal(f"{'-' * sign}{first}{'.' * bool(rest)}{rest}e{exponent}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=_integer, parse_float=_real, parse_constant=_Literal
)
