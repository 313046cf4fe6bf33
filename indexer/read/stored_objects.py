"""Attributes that an answer has as they are stored, known to be so without parsing them. Pure.

JSON can be written in many ways, so that attributes are parsed and written again for each answer.
Spans of one operation have the same keys with values of the same kinds, though: from one of them a
regular expression is made that only texts match which would be written again as they stand.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from indexer.deferred_dataclass import dataclass
from indexer.read.json_text import json_text, parse_json
from indexer.read.normalise import canonical

MISSES_FIRST = 8
"""Texts with the same first key that are parsed before an expression is made: that takes as long as
to parse two hundred. It is tried again, or a next one made, after twice as many each time."""
SHAPES_A_KEY = 4
"""Expressions that a text is held against, at most."""
KEYS_MAX = 256
"""First keys of which something is known; beyond, all are met anew."""
KEY_CHARS_MAX = 128
MEMBERS_MAX = 64
"""Of an object of which an expression is made."""

_TEXT = r'"[ !#-\[\]-~]*"'
"""ASCII without what has to be escaped."""
_WHOLE = "(?:0|-?[1-9][0-9]{0,17})"
_DOUBLE = r"(-?[0-9]+\.[0-9]+(?:e[+-][0-9]+)?)"
"""Whether it is the shortest that means the same is looked at besides."""
_SCALARS = {str: _TEXT, int: _WHOLE, bool: "(?:true|false)", type(None): "null"}
_SCALAR = f"(?:{'|'.join(_SCALARS.values())})"
_LIST = rf"\[(?:{_SCALAR}(?:,{_SCALAR})*)?\]"


class StoredObject(NamedTuple):
    """The text of an object, which is what its value is written as; in ASCII."""

    text: str
    names: frozenset[str]
    """Its keys."""

    @property
    def value(self) -> Any:
        """What the text means."""
        return parse_json(self.text)


@dataclass(frozen=True, slots=True)
class _Shape:
    expression: "re.Pattern[str]"
    names: frozenset[str]

    def holds(self, text: str) -> bool:
        found = self.expression.fullmatch(text)
        if found is None:
            return False
        doubles = found.groups()
        return [*map(repr, map(float, doubles))] == [*doubles]


class StoredObjects:
    """What is known of texts by their first key. For any thread."""

    def __init__(self) -> None:
        self._shapes: dict[str, tuple[_Shape, ...]] = {}
        self._missed: dict[str, int] = {}

    def attributes(self, text: str) -> Any:
        """The canonical value of the text of attributes, or that text where it says the same."""
        key = text[: text.find(":") + 1]
        for shape in self._shapes.get(key, ()):
            if shape.holds(text):
                return tuple.__new__(StoredObject, (text, shape.names))
        value = canonical("attributes", text)
        if key and len(key) <= KEY_CHARS_MAX:
            self._miss(key, text, value)
        return value

    def _miss(self, key: str, text: str, value: Any) -> None:
        missed = self._missed.get(key, 0) + 1
        if missed == 1 and len(self._missed) >= KEYS_MAX:
            self._missed.clear()
            self._shapes.clear()
        self._missed[key] = missed
        known = self._shapes.get(key, ())
        is_power = not missed & (missed - 1)
        if missed >= MISSES_FIRST and is_power and len(known) < SHAPES_A_KEY:
            shape = _shape(text, value)
            if shape is not None:
                self._shapes[key] = (*known, shape)


def _shape(text: str, value: Any) -> _Shape | None:
    """Of objects like this one; None where its text is not what it is written as, or it is odd."""
    if type(value) is not dict or len(value) > MEMBERS_MAX or json_text(value) != text:
        return None
    members = [(json_text(key), _kind(one)) for key, one in value.items()]
    if not all(kind and re.fullmatch(_TEXT, key) for key, kind in members):
        return None
    body = ",".join(f"{re.escape(key)}:{kind}" for key, kind in members)
    return _Shape(re.compile(rf"\{{{body}\}}"), frozenset(value))


def _kind(value: Any) -> str:
    """An expression for values of the same kind; "" where there is none."""
    if isinstance(value, float):
        return _DOUBLE
    if isinstance(value, list):
        return _LIST if _are_scalars(value) else ""
    return _SCALARS.get(type(value), "")


def _are_scalars(values: Sequence[Any]) -> bool:
    return all(type(one) in _SCALARS for one in values)
