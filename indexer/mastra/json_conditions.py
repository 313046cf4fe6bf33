"""Equality of a member of a JSON column with a value, typed and deep: in SQL where it can say it.

DuckDB compares no JSON objects. So objects and arrays are compared here, of those rows alone that
have such a member.
"""

from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.mastra.columns import stored_text
from indexer.mastra.json_values import json_text, json_value
from indexer.system.duckdb_rows import text_literal

_NUMBERS = "('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')"


@dataclass(frozen=True, slots=True)
class MemberCondition:
    """SQL that has to hold, and what else is to be compared."""

    sql: str
    compared: Any = None
    """An object or an array that ``member`` has to equal; None where the SQL says all."""
    member: str = ""
    """SQL of the member's JSON text."""


def member_condition(column: str, key: str, value: Any) -> MemberCondition:
    """The condition that ``column`` has a member ``key`` of that value.

    It begins with a search for the text that any such member has, because the store writes all JSON
    in one way; it is far cheaper than to parse what has it not.
    """
    path = stored_literal("/" + key.replace("~", "~0").replace("/", "~1"))
    kind = f"json_type({column}, {path})"
    text = f"json_extract_string({column}, {path})"
    search = f"contains({column}::VARCHAR, {stored_literal(_written(key, value))})"
    if value is None:
        return MemberCondition(f"{search} AND {kind} = 'NULL'")
    if isinstance(value, bool):
        wanted = "true" if value else "false"
        return MemberCondition(f"{search} AND {kind} = 'BOOLEAN' AND {text} = '{wanted}'")
    if isinstance(value, str):
        return MemberCondition(
            f"{search} AND {kind} = 'VARCHAR' AND {text} = {stored_literal(value)}"
        )
    if isinstance(value, int | float):
        number = f"TRY_CAST({text} AS DOUBLE) = {_double(value)}"
        return MemberCondition(f"{search} AND {kind} IN {_NUMBERS} AND {number}")
    wanted = "OBJECT" if isinstance(value, dict) else "ARRAY"
    return MemberCondition(
        f"{search} AND {kind} = '{wanted}'",
        compared=value,
        member=f"json_extract({column}, {path})::VARCHAR",
    )


def stored_literal(value: str) -> str:
    """Text as it is stored, as an SQL string."""
    return text_literal(stored_text(value))


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


def _double(value: float) -> str:
    """The number in SQL: NULL, which equals nothing, for an integer beyond all doubles."""
    try:
        return f"'{float(value)!r}'::DOUBLE"
    except OverflowError:
        return "NULL"
