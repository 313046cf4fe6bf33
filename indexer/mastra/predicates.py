"""Mastra's predicates, a tree in JSON, as a condition in SQL, or all that is wrong with them.

Each comparison is true or false, never NULL, so that ``not`` and ``none`` mean what they say: a
field that is absent differs from every value and is in no set.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.mastra.columns import stored_text, stored_time
from indexer.mastra.query_fields import (
    COLLECTION_NAMES,
    COLLECTIONS,
    FIELDS,
    OPERATORS,
    RELATED,
    Fields,
    QueryField,
    Scope,
    ValueKind,
    moment,
)
from indexer.mastra.query_issues import CallIssue

NODES_MAX = 100
"""Of a request, as Mastra defines it, like the limits below."""
DEPTH_MAX = 12
RELATED_MAX = 8
SET_VALUES_MAX = 100
LITERALS_MAX = 1_000
TEXT_BYTES_MAX = 4_096
"""Of a literal, in UTF-8."""
PATH_BYTES_MAX = 128
METADATA = "metadata."
_TEMPLATE = re.compile(r"^\$\{([^}]+)\}$")
COMPARED = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_SHAPES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("eq", "ne", *COMPARED), frozenset({"op", "left", "right"})),
    **dict.fromkeys(("in", "notIn"), frozenset({"op", "value", "set"})),
    **dict.fromkeys(("exists", "notExists"), frozenset({"op", "path"})),
    **dict.fromkeys(("includes", "notIncludes"), frozenset({"op", "path", "value"})),
    **dict.fromkeys(("and", "or"), frozenset({"op", "args"})),
    "not": frozenset({"op", "arg"}),
}
_TOO_COMPLEX = f"expected up to {NODES_MAX} predicates in up to {DEPTH_MAX} levels"
_NUMBERS = (ValueKind.NUMBER, ValueKind.TEXT_OR_NUMBER, ValueKind.MEASURE)
Path = tuple[str | int, ...]


class Refused(Exception):
    """A predicate that cannot be asked; the issue says why."""

    def __init__(self, code: str, path: Path, message: str) -> None:
        super().__init__(message)
        self.issue = CallIssue(code, path, message)


@dataclass(slots=True)
class PredicateSql:
    """Conditions of one query with their parameters, and what is wrong with them."""

    parameters: dict[str, Any] = field(default_factory=dict)
    issues: list[CallIssue] = field(default_factory=list)
    fields: Fields = field(default_factory=lambda: FIELDS)
    _nodes: int = 0
    _related: int = 0
    _literals: int = 0

    def condition(self, given: Any, scope: Scope, path: Path) -> str:
        """The SQL of a predicate; ``true`` for none, and for one that an issue is noted of."""
        return "true" if given is None else self._predicate(given, scope, path, 1)

    def bind(self, value: Any) -> str:
        """The placeholder of a value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def _predicate(self, given: Any, scope: Scope, path: Path, depth: int) -> str:
        try:
            return self._of_shape(given, scope, path, depth)
        except Refused as refused:
            if self._nodes <= NODES_MAX + 1:
                self.issues.append(refused.issue)
            return "true"

    def _of_shape(self, given: Any, scope: Scope, path: Path, depth: int) -> str:
        self._nodes += 1
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            raise Refused("predicate_too_complex", path, _TOO_COMPLEX)
        if not isinstance(given, Mapping):
            raise Refused("invalid_request", path, "expected an object")
        if len(given) == 1 and next(iter(given)) in COLLECTION_NAMES:
            return self._related_records(given, scope, path, depth)
        operator = given.get("op")
        shape = _SHAPES.get(operator) if isinstance(operator, str) else None
        if shape is None or given.keys() != shape:
            raise Refused("invalid_request", path, "expected an operator with its members")
        if operator == "not":
            return f"NOT ({self._predicate(given['arg'], scope, (*path, 'arg'), depth + 1)})"
        if operator in ("and", "or"):
            return self._all_of(given, scope, path, depth)
        return self._comparison(str(operator), given, scope, path)

    def _all_of(self, given: Mapping[str, Any], scope: Scope, path: Path, depth: int) -> str:
        args = given["args"]
        if not isinstance(args, list) or not args:
            raise Refused("invalid_request", (*path, "args"), "expected a list of predicates")
        terms = [
            f"({self._predicate(arg, scope, (*path, 'args', number), depth + 1)})"
            for number, arg in enumerate(args)
        ]
        return f" {given['op'].upper()} ".join(terms)

    def _related_records(
        self, given: Mapping[str, Any], scope: Scope, path: Path, depth: int
    ) -> str:
        ((collection, clause),) = given.items()
        self._related += 1
        if self._related > RELATED_MAX:
            message = f"expected up to {RELATED_MAX} predicates of related records"
            raise Refused("predicate_too_complex", path, message)
        if (related := COLLECTIONS.get(scope, {}).get(collection)) is None:
            raise Refused("invalid_request", path, f"{scope} have no {collection} to ask of")
        if not isinstance(clause, Mapping) or clause.keys() not in ({"some"}, {"none"}):
            raise Refused("invalid_request", (*path, collection), "expected some or none")
        ((quantifier, inner),) = clause.items()
        where = self._predicate(inner, related, (*path, collection, quantifier), depth + 1)
        found = f"EXISTS (SELECT 1 FROM {RELATED[related]} AND ({where}))"
        return found if quantifier == "some" else f"NOT {found}"

    def _comparison(self, operator: str, given: Mapping[str, Any], scope: Scope, path: Path) -> str:
        named, where = _named_path(operator, given, path)
        found = self._field(named, scope, where)
        if operator not in OPERATORS[found.kind]:
            message = f"operator {operator} cannot be used with {named}"
            raise Refused("operator_not_allowed", (*path, "op"), message)
        if operator in ("exists", "notExists"):
            return _presence(found, operator)
        if operator in ("includes", "notIncludes"):
            return self._membership(found, operator, given["value"], (*path, "value"))
        if operator in ("in", "notIn"):
            return self._set(found, operator, given["set"], (*path, "set"))
        return self._compared(found, operator, given["right"], (*path, "right"))

    def _field(self, named: str, scope: Scope, path: Path) -> QueryField:
        if scope is Scope.TRACE and named.startswith(METADATA):
            return QueryField(ValueKind.TEXT, self.metadata(named, path))
        if (found := self.fields.get(scope, {}).get(named)) is None:
            raise Refused("field_not_allowed", path, f"{scope} have no field {named[:50]!r}")
        return found

    def metadata(self, named: str, path: Path) -> str:
        """SQL of a member of the root's metadata where it is text that is not blank."""
        key = named.removeprefix(METADATA)
        if not key or "." in key:
            message = "expected metadata. and one key without a dot"
            raise Refused("invalid_metadata_key", path, message)
        pointer = self.bind("/" + key.replace("~", "~0").replace("/", "~1"))
        return (
            f"nullif(trim(CASE WHEN json_type(r.metadata, {pointer}) = 'VARCHAR' "
            f"THEN json_extract_string(r.metadata, {pointer}) END), '')"
        )

    def _compared(self, found: QueryField, operator: str, right: Any, path: Path) -> str:
        value = self._right(found, operator, right, path)
        sql, bound = _side(found, value), self.bind(value)
        if operator == "eq":
            return f"{sql} IS NOT DISTINCT FROM {bound}"
        if operator == "ne":
            return f"{sql} IS DISTINCT FROM {bound}"
        return f"coalesce({sql} {COMPARED[operator]} {bound}, false)"

    def _right(self, found: QueryField, operator: str, right: Any, path: Path) -> Any:
        """The literal on the right of a comparison."""
        if not isinstance(right, Mapping) or right.keys() != {"literal"}:
            message = "expected a field on the left and a literal on the right"
            raise Refused("invalid_operands", path, message)
        value = self._literal(right["literal"], found, (*path, "literal"))
        is_ordered = found.kind is ValueKind.TEXT_OR_NUMBER and operator in COMPARED
        if is_ordered and isinstance(value, str):
            raise Refused("invalid_literal", (*path, "literal"), "expected a number")
        return value

    def _set(self, found: QueryField, operator: str, given: Any, path: Path) -> str:
        values = self._members(found, given, path)
        members = ", ".join(self.bind(one) for one in values)
        is_in = f"coalesce({_side(found, values[0])} IN ({members}), false)"
        return is_in if operator == "in" else f"NOT {is_in}"

    def _members(self, found: QueryField, given: Any, path: Path) -> list[Any]:
        """The literals of a set."""
        if not isinstance(given, list) or not 1 <= len(given) <= SET_VALUES_MAX:
            message = f"expected a list of 1 to {SET_VALUES_MAX} literals"
            raise Refused("invalid_request", path, message)
        values = [self._literal(one, found, path) for one in given]
        if len({type(one) for one in values}) > 1:
            raise Refused("invalid_literal", path, "expected texts alone or numbers alone")
        return values

    def _membership(self, found: QueryField, operator: str, given: Any, path: Path) -> str:
        value = self._literal(given, QueryField(ValueKind.TEXT, ""), path)
        has = f"coalesce(list_contains({found.sql}, {self.bind(value)}), false)"
        return has if operator == "includes" else f"(len({found.sql}) > 0 AND NOT {has})"

    def _literal(self, given: Any, found: QueryField, path: Path) -> Any:
        self._literals += 1
        if self._literals > LITERALS_MAX:
            message = f"expected up to {LITERALS_MAX:,} literals"
            raise Refused("predicate_too_complex", path, message)
        value = literal(given, found.kind)
        if value is None:
            raise Refused("invalid_literal", path, f"expected a {found.kind}")
        return value


def literal(given: Any, kind: ValueKind) -> Any:
    """A literal as a parameter takes it; None where the kind does not allow it."""
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if is_number and kind in _NUMBERS:
        return _double(given)
    if not isinstance(given, str) or len(given.encode(errors="replace")) > TEXT_BYTES_MAX:
        return None
    if kind in (ValueKind.TEXT, ValueKind.TEXT_OR_NUMBER):
        return stored_text(given)
    if kind is ValueKind.TIME:
        try:
            return stored_time(moment(given))
        except ValueError:
            return None
    return None


def plain_path(given: Any) -> str | None:
    """A path without the template and the space that may surround it; None for an invalid one."""
    if not isinstance(given, str) or not given:
        return None
    if len(given.encode(errors="replace")) > PATH_BYTES_MAX:
        return None
    text = given.strip()
    found = _TEMPLATE.match(text)
    return stored_text((found[1] if found else text).strip())


def _named_path(operator: str, given: Mapping[str, Any], path: Path) -> tuple[str, Path]:
    """The field that a comparison names, and where in the request it does."""
    member = {"in": "value", "notIn": "value"}.get(operator, "left")
    where: Path = (*path, "path")
    named = given.get("path")
    if "path" not in given:
        reference = given[member]
        where = (*path, member, "path")
        if not isinstance(reference, Mapping) or reference.keys() != {"path"}:
            raise Refused("invalid_operands", (*path, member), "expected the path of a field")
        named = reference["path"]
    if (plain := plain_path(named)) is None:
        message = f"expected a path of up to {PATH_BYTES_MAX} bytes"
        raise Refused("invalid_request", where, message)
    return plain, where


def _presence(found: QueryField, operator: str) -> str:
    there = f"{found.sql} IS NOT NULL"
    if found.kind is ValueKind.LIST:
        there = f"coalesce(len({found.sql}), 0) > 0"
    return there if operator == "exists" else f"NOT ({there})"


def _side(found: QueryField, value: Any) -> str:
    return found.number_sql if found.number_sql and isinstance(value, float) else found.sql


def _double(given: float) -> float | None:
    try:
        value = float(given)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None
