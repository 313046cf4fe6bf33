"""A condition on an attribute as people write it: whose, the key, an operator and a value.

``http.response.status_code>=500``, ``resource.host.name=web-1``, ``event.exception.type~Timeout``.
"""

import json
import re
from typing import Any, get_args

from indexer.errors import QueryRefused
from indexer.query.find.payload_conditions import AttributeCondition, Operator, Owner, Value

SYNTAX = (
    "`[span.|resource.|scope.|event.]key`, then an operator and a value: `=`, `!=`, `<`, `<=`, "
    "`>`, `>=`, `*=` for text that contains the value, `~` for a regular expression of RE2 that "
    "text matches anywhere; a key alone: the attribute is there. A value that is a number, `true` "
    'or `false` is that, and "in quotes" it is text, as a key may be, with JSON\'s escapes. Text '
    "that begins with `=`, `<` or `>` has to be in quotes."
)
"""For the description of every door that takes it."""

_WORD = re.compile(
    r'(?:(?P<owner>span|resource|scope|event)\.)?(?P<key>"(?:[^"\\]|\\.)*"|(?:[^"=!<>~*]|\*(?!=)|!(?!=))+)'
    r"(?:(?P<operator>!=|<=|>=|=~|\*=|=|<|>|~)(?P<value>.*))?",
    re.DOTALL,
)
_NAMES: dict[str, Operator] = {"*=": "contains", "~": "matches", "=~": "matches"}
_OPERATOR_OF = {"=>": ">=", "=<": "<=", "==": "=", "<>": "!=", "!==": "!="}
"""What somebody means who writes it as other languages do."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,307})(?:\.[0-9]{1,308})?(?:[eE][+-]?[0-9]{1,3})?")
_HINT = "Write it as key, key=value or key>=value; quote a key or text with signs in it."


def attribute_condition(text: str) -> AttributeCondition:
    """The condition. Raises QueryRefused for text that is none."""
    found = _WORD.fullmatch(text)
    if found is None:
        raise QueryRefused(f"invalid condition on an attribute: {text[:100]!r}", hint=_HINT)
    owner, key, sign, value = found.groups()
    operator = _operator(sign)
    if operator not in ("contains", "matches", "exists") and value[:1] in ("=", "<", ">"):
        raise _unknown_operator(text, sign + value[:1])
    return AttributeCondition(
        owner=_owner(owner),
        key=str(_unquoted(key)) if key.startswith('"') else key,
        operator=operator,
        value=None if value is None else _value(value, operator),
    )


def _unknown_operator(text: str, signs: str) -> QueryRefused:
    quoted = "To compare with text that begins so, quote it."
    meant = _OPERATOR_OF.get(signs)
    return QueryRefused(
        f"invalid operator {signs!r} in the condition {text[:100]!r}",
        hint=quoted if meant is None else f"Did you mean {meant!r}? {quoted}",
    )


def _owner(name: str | None) -> Owner:
    return next(one for one in get_args(Owner) if one == (name or "span"))


def _operator(sign: str | None) -> Operator:
    if sign is None:
        return "exists"
    operator: Operator = next(one for one in get_args(Operator) if one == _NAMES.get(sign, sign))
    return operator


def _value(text: str, operator: Operator) -> Value:
    if text.startswith('"'):
        return _unquoted(text)
    if operator in ("contains", "matches"):
        return text
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text):
        number: int | float = json.loads(text)
        return number
    return text


def _unquoted(text: str) -> str:
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise QueryRefused(f"invalid quoted text {text[:100]}", hint=_HINT)
    return value
