"""Equality of a member of a JSON column with a value, typed and deep: in SQL where it can say it.

DuckDB compares no JSON objects. So objects and arrays are compared here, of those rows alone that
have such a member.
"""

from dataclasses import dataclass
from typing import Any

from indexer.mastra.json_values import json_text, json_value

_NUMBERS = "('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')"


@dataclass(frozen=True, slots=True)
class MemberCondition:
    """SQL that has to hold, with its parameters, and what else is to be compared."""

    sql: str
    parameters: dict[str, Any]
    compared: Any = None
    """An object or an array that ``member`` has to equal; None where the SQL says all."""
    member: str = ""
    """SQL of the member's JSON text."""


def member_condition(column: str, key: str, value: Any, prefix: str) -> MemberCondition:
    """The condition that ``column`` has a member ``key`` of that value.

    Names of parameters begin with ``prefix``. Each condition begins with a search for the text
    that any such member has, because the store writes all JSON in one way; it is far cheaper than
    to parse what has it not.
    """
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    names = {"path": f"{prefix}_path", "text": f"{prefix}_text", "value": f"{prefix}_value"}
    parameters: dict[str, Any] = {names["path"]: path, names["text"]: _written(key, value)}
    kind = f"json_type({column}, ${names['path']})"
    text = f"json_extract_string({column}, ${names['path']})"
    search = f"contains({column}::VARCHAR, ${names['text']})"
    if value is None:
        return MemberCondition(f"{search} AND {kind} = 'NULL'", parameters)
    if isinstance(value, bool):
        parameters[names["value"]] = "true" if value else "false"
        sql = f"{search} AND {kind} = 'BOOLEAN' AND {text} = ${names['value']}"
        return MemberCondition(sql, parameters)
    if isinstance(value, str):
        parameters[names["value"]] = value
        sql = f"{search} AND {kind} = 'VARCHAR' AND {text} = ${names['value']}"
        return MemberCondition(sql, parameters)
    if isinstance(value, int | float):
        parameters[names["value"]] = _double(value)
        number = f"TRY_CAST({text} AS DOUBLE) = ${names['value']}::DOUBLE"
        return MemberCondition(f"{search} AND {kind} IN {_NUMBERS} AND {number}", parameters)
    wanted = "OBJECT" if isinstance(value, dict) else "ARRAY"
    return MemberCondition(
        f"{search} AND {kind} = '{wanted}'",
        parameters,
        compared=value,
        member=f"json_extract({column}, ${names['path']})::VARCHAR",
    )


def equals(stored: str, value: Any) -> bool:
    """Whether JSON text is the value: numbers by value, and true is not 1."""
    return _equal(json_value(stored), value)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _written(key: str, value: Any) -> str:
    """Text that stands in every object with the member."""
    if value is None or isinstance(value, bool | str):
        return json_text({key: value})[1:-1]
    return json_text(key) + ":"


def _double(value: float) -> float | None:
    """None, which equals nothing, for an integer beyond all doubles."""
    try:
        return float(value)
    except OverflowError:
        return None
