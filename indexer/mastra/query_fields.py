"""Fields that predicates of queries may name, with what they take and how SQL says them.

The fields and their operators are those of Mastra's trace queries. ``r`` is the root of a trace in
SQL, ``s`` a span or a signal of the same trace.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from indexer.deferred_dataclass import dataclass
from indexer.mastra.records import utc


class Scope(StrEnum):
    """What a predicate is about."""

    TRACE = "trace"
    SPANS = "spans"
    SCORES = "scores"
    FEEDBACK = "feedback"
    GROUPS = "groups"
    """Of traces, in an aggregate."""
    THREADS = "threads"
    """Of which only their traces say something."""


class ValueKind(StrEnum):
    """What a field is compared with."""

    TEXT = "string"
    NUMBER = "number"
    TEXT_OR_NUMBER = "stringOrNumber"
    TIME = "timestamp"
    PRESENCE = "presence"
    """Only whether there is one."""
    MEASURE = "measure"
    """A number that a group has."""
    LIST = "array"
    """Whether a text is among its members."""


@dataclass(frozen=True, slots=True)
class QueryField:
    """A field as an SQL expression; ``number_sql`` is its number where it may be either."""

    kind: ValueKind
    sql: str
    number_sql: str = ""


_PRESENT = frozenset({"exists", "notExists"})
_EQUAL = _PRESENT | {"eq", "ne", "in", "notIn"}
_ORDERED = _EQUAL | {"lt", "lte", "gt", "gte"}
OPERATORS: Mapping[ValueKind, frozenset[str]] = {
    ValueKind.TEXT: _EQUAL,
    ValueKind.NUMBER: _ORDERED,
    ValueKind.TEXT_OR_NUMBER: _ORDERED,
    ValueKind.TIME: _ORDERED,
    ValueKind.PRESENCE: _PRESENT,
    ValueKind.MEASURE: _ORDERED - _PRESENT,
    ValueKind.LIST: _PRESENT | {"includes", "notIncludes"},
}
STATUS_SQL = "CASE WHEN {alias}.error IS NOT NULL THEN 'error' ELSE 'success' END"
"""Of spans that have ended, which queries are about."""
DURATION_SQL = "date_diff('microsecond', {alias}.started_at, {alias}.ended_at) / 1000"
"""Milliseconds, with microseconds behind the point."""
_TRACE_TEXTS = (
    "trace_id thread_id resource_id run_id session_id user_id organization_id entity_name "
    "entity_type environment"
)
_SPAN_TEXTS = (
    "name span_type entity_type entity_id entity_name entity_version_id "
    "parent_entity_version_id root_entity_version_id run_id session_id user_id organization_id"
)
_VERSIONS = "entityVersionId parentEntityVersionId rootEntityVersionId"
_OFFSET = re.compile(r"(Z|[+-]\d\d:\d\d)$")


def moment(text: object) -> datetime:
    """The moment that ISO 8601 with an offset names, in UTC. Raises ValueError."""
    if not isinstance(text, str) or not _OFFSET.search(text):
        raise ValueError("invalid time: expected ISO 8601 with an offset")
    return utc(datetime.fromisoformat(text))


def camel(name: str) -> str:
    """The name as Mastra spells it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def member_sql(column: str, key: str) -> str:
    """A top-level member of a JSON column where it is text, else NULL; the key is one of ours."""
    return (
        f"CASE WHEN json_type({column}, '/{key}') = 'VARCHAR' "
        f"THEN json_extract_string({column}, '/{key}') END"
    )


def _columns(alias: str, names: str) -> dict[str, QueryField]:
    return {camel(name): QueryField(ValueKind.TEXT, f"{alias}.{name}") for name in names.split()}


def _timed(alias: str) -> dict[str, QueryField]:
    return {
        "startedAt": QueryField(ValueKind.TIME, f"{alias}.started_at"),
        "endedAt": QueryField(ValueKind.TIME, f"{alias}.ended_at"),
        "durationMs": QueryField(ValueKind.NUMBER, f"({DURATION_SQL.format(alias=alias)})"),
        "status": QueryField(ValueKind.TEXT, f"({STATUS_SQL.format(alias=alias)})"),
    }


def _text(key: str) -> QueryField:
    return QueryField(ValueKind.TEXT, f"json_extract_string(s.record, '/{key}')")


def _number(key: str) -> str:
    return f"TRY_CAST(json_extract_string(s.record, '/{key}') AS DOUBLE)"


def _signal(texts: str, presences: str) -> dict[str, QueryField]:
    moment_sql = "TRY_CAST(json_extract_string(s.record, '/timestamp') AS TIMESTAMP)"
    present = "nullif(json_type(s.record, '/{key}'), 'NULL')"
    return {
        **{key: _text(key) for key in texts.split()},
        **{
            key: QueryField(ValueKind.PRESENCE, present.format(key=key))
            for key in presences.split()
        },
        "timestamp": QueryField(ValueKind.TIME, moment_sql),
    }


Fields = Mapping[Scope, Mapping[str, QueryField]]
FIELDS: Fields = {
    Scope.TRACE: {
        **_columns("r", _TRACE_TEXTS),
        **_timed("r"),
        "tags": QueryField(ValueKind.LIST, "r.tags"),
    },
    Scope.SPANS: {
        **_columns("s", _SPAN_TEXTS),
        **_timed("s"),
        "model": QueryField(ValueKind.TEXT, member_sql("s.attributes", "model")),
        "provider": QueryField(ValueKind.TEXT, member_sql("s.attributes", "provider")),
        "error": QueryField(ValueKind.PRESENCE, "s.error"),
    },
    Scope.SCORES: {
        **_signal(f"scorerId scorerVersion {_VERSIONS}", "spanId"),
        "scoreSource": _text("source"),
        "score": QueryField(ValueKind.NUMBER, _number("score")),
    },
    Scope.FEEDBACK: {
        **_signal(f"feedbackType feedbackUserId sourceId {_VERSIONS}", "comment"),
        "feedbackSource": _text("source"),
        "value": QueryField(
            ValueKind.TEXT_OR_NUMBER,
            "json_extract_string(s.record, '/value')",
            _number("value"),
        ),
    },
}
_OF_TRACE = "AND s.trace_id = r.trace_id"
RELATED: Mapping[Scope, str] = {
    Scope.SPANS: f"mastra_spans AS s WHERE s.created_at IS NOT NULL {_OF_TRACE}",
    Scope.SCORES: f"mastra_signals AS s WHERE s.signal = 'scores' {_OF_TRACE}",
    Scope.FEEDBACK: f"mastra_signals AS s WHERE s.signal = 'feedback' {_OF_TRACE}",
    Scope.TRACE: "eligible AS r WHERE r.thread_id = t.thread_id",
}
"""Where records are that a predicate on them is asked of: those of the trace ``r``, and traces of
the thread ``t`` among those that a query of threads is about."""
COLLECTIONS: Mapping[Scope, Mapping[str, Scope]] = {
    Scope.TRACE: {one.value: one for one in (Scope.SPANS, Scope.SCORES, Scope.FEEDBACK)},
    Scope.THREADS: {"traces": Scope.TRACE},
}
"""What a predicate may ask of the records that belong to what it is about, by Mastra's names."""
COLLECTION_NAMES = frozenset(name for names in COLLECTIONS.values() for name in names)
