"""Filters of lists as conditions on rows of ``mastra_spans``, or of ``mastra_roots``."""

from dataclasses import field
from typing import Any

import duckdb
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.mastra.columns import KINDS, stored_time
from indexer.mastra.json_conditions import MemberCondition, equals, member_condition, stored_literal
from indexer.mastra.list_arguments import SpanFilters, TimeRange, TraceFilters
from indexer.mastra.records import ColumnKind

STATUS = (
    "CASE WHEN error IS NOT NULL THEN 'error' WHEN ended_at IS NULL THEN 'running' "
    "ELSE 'success' END"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list is of: rows of a table, all or some of them."""

    table: str
    condition: str = "true"


ROOTS = Listed("mastra_roots")
BRANCH_TYPES = (
    "agent_run",
    "workflow_run",
    "processor_run",
    "scorer_run",
    "rag_ingestion",
    "tool_call",
    "mcp_tool_call",
)
"""Types of spans that a branch begins with, as Mastra defines them."""
BRANCHES = Listed(
    "mastra_spans", f"span.created_at IS NOT NULL AND span.span_type IN {BRANCH_TYPES}"
)
EXACT = "exact"
"""The table of rows that ``compare_members`` registers."""
_EQUAL = tuple(name for name in SpanFilters.model_fields if KINDS.get(name) is ColumnKind.TEXT)
_CHILD_ERROR = """EXISTS (
    SELECT 1 FROM mastra_spans AS other
    WHERE other.trace_id = span.trace_id AND other.span_id <> span.span_id
        AND other.error IS NOT NULL AND other.created_at IS NOT NULL
)"""


@dataclass(slots=True)
class Conditions:
    """SQL conditions on ``span``, rows of a table."""

    table: str
    terms: list[str]
    members: list[MemberCondition] = field(default_factory=list)
    """Those that SQL says only in part."""

    @property
    def rows(self) -> str:
        """The rows that all of them hold for, as FROM and WHERE."""
        return f"FROM {self.table} AS span WHERE {' AND '.join(self.terms)}"


def conditions(base: Listed, filters: SpanFilters) -> Conditions:
    """The filters beside what the list is of."""
    found = Conditions(base.table, [base.condition])
    for name in _EQUAL:
        if (value := getattr(filters, name)) is not None:
            found.terms.append(f"span.{name} = {stored_literal(value)}")
    _add_range(found, "started_at", filters.started_at)
    _add_range(found, "ended_at", filters.ended_at)
    _add_members(found, "metadata", filters.metadata)
    _add_members(found, "scope", filters.scope)
    if filters.tags:
        tags = ", ".join(map(stored_literal, filters.tags))
        found.terms.append(f"list_has_all(span.tags, [{tags}])")
    if filters.status:
        found.terms.append(f"{STATUS} = '{filters.status}'")
    if isinstance(filters, TraceFilters) and filters.has_child_error is not None:
        found.terms.append(_CHILD_ERROR if filters.has_child_error else f"NOT {_CHILD_ERROR}")
    return found


def compare_members(cursor: duckdb.DuckDBPyConnection, found: Conditions) -> None:
    """Say in SQL what it could not: which rows have the objects and arrays asked for.

    If there are any, the rows are the table ``EXACT`` of the cursor from now on, which the caller
    unregisters; the cursor is in a transaction.
    """
    if not found.members:
        return
    members = ", ".join(one.member for one in found.members)
    rows = cursor.execute(f"SELECT span.sequence, {members} {found.rows}").fetchall()
    exact = [
        row[0]
        for row in rows
        if all(equals(text, one.compared) for text, one in zip(row[1:], found.members, strict=True))
    ]
    cursor.register(EXACT, pa.table({"sequence": pa.array(exact, pa.int64())}))
    found.terms.append(f"span.sequence IN (SELECT sequence FROM {EXACT})")


def _add_range(found: Conditions, column: str, times: TimeRange | None) -> None:
    if times is None:
        return
    if times.start is not None:
        sign = ">" if times.start_exclusive else ">="
        found.terms.append(f"span.{column} {sign} TIMESTAMP '{stored_time(times.start)}'")
    if times.end is not None:
        sign = "<" if times.end_exclusive else "<="
        found.terms.append(f"span.{column} {sign} TIMESTAMP '{stored_time(times.end)}'")


def _add_members(found: Conditions, column: str, wanted: dict[str, Any] | None) -> None:
    for key, value in (wanted or {}).items():
        one = member_condition(f"span.{column}", key, value)
        found.terms.append(one.sql)
        if one.member:
            found.members.append(one)
