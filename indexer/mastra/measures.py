"""Measures of groups of traces as SQL over their facts, and predicates on them."""

from collections.abc import Mapping
from typing import Any

from indexer.mastra.model_usage import TOKENS
from indexer.mastra.predicates import COMPARED, Path, PredicateSql
from indexer.mastra.query_fields import Fields, QueryField, Scope, ValueKind

_MIXED = "min(unit_min) <> max(unit_max)"
_COST = "CASE WHEN NOT coalesce({mixed}, false) THEN {function}(trace_cost) END"
_TOKENS_OF = {kind: f"tokens_{kind}" for kind in TOKENS} | {
    "total": "(tokens_input + tokens_output)"
}
FIXED: Mapping[str, str] = {
    "count": "count(*)::DOUBLE",
    **{f"duration.{name}": f"{name}(duration)" for name in ("avg", "min", "max")},
    **{
        f"duration.p{percent}": f"quantile_cont(duration, {percent / 100})"
        for percent in (50, 90, 95, 99)
    },
    "errorCount": "count_if(is_error)::DOUBLE",
    "errorRate": "count_if(is_error)::DOUBLE / count(*)",
    **{
        f"tokens.{kind}.{name}": f"{name}({column})::DOUBLE"
        for kind, column in _TOKENS_OF.items()
        for name in ("sum", "avg")
    },
    **{f"cost.{name}": _COST.format(mixed=_MIXED, function=name) for name in ("sum", "avg")},
}
"""Measures of facts by Mastra's names. What no trace of a group has is NULL."""
COST_ATTACHMENTS: Mapping[str, str] = {
    "cost.coverage": "count_if(is_covered)::DOUBLE / nullif(count_if(has_usage), 0)",
    "costUnit": f"CASE WHEN {_MIXED} THEN 'mixed' ELSE min(unit_min) END",
}
"""What every answer with a cost says beside it."""


def uses_metrics(measures: list[str]) -> bool:
    """Whether tokens or costs are asked for."""
    return any(name.startswith(("tokens.", "cost.")) for name in measures)


def group_fields(measures: Mapping[str, str]) -> Fields:
    """What a predicate on groups may name: measures by their SQL."""
    known = {name: QueryField(ValueKind.MEASURE, sql) for name, sql in measures.items()}
    return {Scope.GROUPS: known}


class HavingSql(PredicateSql):
    """A predicate on measures of a group: one that is NULL makes it neither true nor false."""

    __slots__ = ()

    def _compared(self, found: QueryField, operator: str, right: Any, path: Path) -> str:
        value = self._right(found, operator, right, path)
        sign = {"eq": "=", "ne": "<>", **COMPARED}[operator]
        return f"{found.sql} {sign} {self.bind(value)}"

    def _set(self, found: QueryField, operator: str, given: Any, path: Path) -> str:
        members = ", ".join(self.bind(one) for one in self._members(found, given, path))
        return f"{found.sql} {'IN' if operator == 'in' else 'NOT IN'} ({members})"
