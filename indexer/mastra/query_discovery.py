"""What queries of traces may name: fields, keys that metadata has, and values of a field."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from indexer.mastra.database import Database
from indexer.mastra.predicates import (
    METADATA,
    PATH_BYTES_MAX,
    TEXT_BYTES_MAX,
    PredicateSql,
    Refused,
    plain_path,
)
from indexer.mastra.query_fields import FIELDS, OPERATORS, RELATED, Scope, ValueKind
from indexer.mastra.query_issues import CallIssue, refusal
from indexer.mastra.query_requests import Ranged, Request
from indexer.mastra.records import Record
from indexer.mastra.trace_candidates import candidates

SEARCH_CHARS_MAX = 256
"""Mastra's own limit, like those of an answer."""
LIMIT_MAX = 100
LIMIT_DEFAULT = 25
_ORDER = (
    *("eq", "ne", "in", "notIn", "includes", "notIncludes"),
    *("exists", "notExists", "lt", "lte", "gt", "gte"),
)
_SUGGESTED: Mapping[Scope, frozenset[str]] = {
    Scope.TRACE: frozenset({"entityName", "entityType", "environment", "status", "tags"}),
    Scope.SPANS: frozenset(
        {"name", "spanType", "model", "provider", "status", "entityType", "entityName"}
    ),
    Scope.SCORES: frozenset({"scorerId", "scorerVersion", "scoreSource"}),
    Scope.FEEDBACK: frozenset({"feedbackType", "feedbackSource"}),
}
"""Fields whose values are worth a list; IDs, times and numbers are not. They are Mastra's."""
_POINTER = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"
_OBSERVED = f"""
    SELECT '{METADATA}' || key AS path, count(*) AS occurrences
    FROM (
        SELECT key, CASE WHEN json_type(metadata, {_POINTER}) = 'VARCHAR'
            THEN json_extract_string(metadata, {_POINTER}) END AS value
        FROM (
            SELECT metadata, unnest(json_keys(metadata)) AS key FROM ({{roots}})
        )
    )
    WHERE trim(value) <> '' AND key <> '' AND NOT contains(key, '.')
        AND strlen('{METADATA}' || key) <= {PATH_BYTES_MAX} AND strlen(value) <= {TEXT_BYTES_MAX}
        AND contains(lower('{METADATA}' || key), $search)
    GROUP BY key ORDER BY occurrences DESC, path LIMIT {{limit:d}}
"""
_COUNTED = f"""
    SELECT value, count(*) AS occurrences FROM (SELECT {{field}} AS value FROM {{source}})
    WHERE strlen(value) <= {TEXT_BYTES_MAX} AND contains(lower(value), $search)
    GROUP BY value ORDER BY occurrences DESC, value LIMIT {{limit:d}}
"""


class FieldsQuery(Ranged):
    """Which fields predicates of one kind may name."""

    predicate_scope: Literal["trace", "spans", "scores", "feedback"]
    search: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=SEARCH_CHARS_MAX)
    ] = ""
    """Text that paths have, whatever its case."""
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, le=LIMIT_MAX)


class ValuesQuery(FieldsQuery):
    """Which values one of them has; ``search`` is text that the values have."""

    path: str


class CanonicalField(Record):
    """A field that there always is."""

    path: str
    value_kind: ValueKind
    operators: list[str]
    value_suggestions: bool
    """Whether its values can be asked for."""


class ObservedField(CanonicalField):
    """A key of metadata that has text in some traces."""

    occurrences: int
    """Traces that have it."""


class QueryFields(Record):
    """What predicates may name."""

    canonical_fields: list[CanonicalField]
    observed_fields: list[ObservedField]
    observed_fields_truncated: bool


class CountedValue(Record):
    """A value, and how many records of the range have it."""

    value: str
    count: int


class QueryValues(Record):
    """The most frequent values of a field."""

    values: list[CountedValue]
    values_truncated: bool


def query_fields(database: Database, request: FieldsQuery) -> QueryFields:
    """Fields of a scope, and for traces the keys of metadata, the most frequent first."""
    scope, search = Scope(request.predicate_scope), request.search.lower()
    fields = [
        CanonicalField(
            path=path,
            value_kind=field.kind,
            operators=_operators(field.kind),
            value_suggestions=path in _SUGGESTED[scope],
        )
        for path, field in FIELDS[scope].items()
        if search in path.lower()
    ]
    rows = _observed(database, request) if scope is Scope.TRACE else []
    observed = [
        ObservedField(
            path=path,
            value_kind=ValueKind.TEXT,
            operators=_operators(ValueKind.TEXT),
            value_suggestions=True,
            occurrences=occurrences,
        )
        for path, occurrences in rows[: request.limit]
    ]
    return QueryFields(
        canonical_fields=fields,
        observed_fields=observed,
        observed_fields_truncated=len(rows) > request.limit,
    )


def query_values(database: Database, request: ValuesQuery) -> QueryValues:
    """Values that a field has in traces of the range, the most frequent first.

    Raises InvalidMastraCall for a field whose values are not listed.
    """
    found = PredicateSql()
    scope = Scope(request.predicate_scope)
    field = _field_sql(found, scope, request.path)
    source = f"({_roots(request, 'r.*', found)}) AS r"
    if scope is not Scope.TRACE:
        source += f", {RELATED[scope]}"
    sql = _COUNTED.format(field=field, source=source, limit=request.limit + 1)
    rows = _searched(database, sql, request, found)
    return QueryValues(
        values=[CountedValue(value=value, count=count) for value, count in rows[: request.limit]],
        values_truncated=len(rows) > request.limit,
    )


def _field_sql(found: PredicateSql, scope: Scope, named: str) -> str:
    path = plain_path(named) or ""
    if path in _SUGGESTED[scope]:
        field = FIELDS[scope][path]
        return f"unnest({field.sql})" if field.kind is ValueKind.LIST else field.sql
    try:
        if scope is Scope.TRACE and path.startswith(METADATA):
            return found.metadata(path, ("path",))
    except Refused as refused:
        raise refusal([refused.issue]) from None
    message = f"values of {path[:50]!r} are not listed"
    raise refusal([CallIssue("invalid_request", ("path",), message)])


def _observed(database: Database, request: FieldsQuery) -> list[tuple[Any, ...]]:
    found = PredicateSql()
    roots = _roots(request, "r.metadata", found)
    sql = _OBSERVED.format(roots=roots, limit=request.limit + 1)
    return _searched(database, sql, request, found)


def _roots(request: Ranged, columns: str, found: PredicateSql) -> str:
    return candidates(Request(time_range=request.time_range), columns, found)


def _searched(
    database: Database, sql: str, request: FieldsQuery, found: PredicateSql
) -> list[tuple[Any, ...]]:
    parameters = found.parameters | {"search": request.search.lower()}
    with database.reading() as cursor:
        return cursor.execute(sql, parameters).fetchall()


def _operators(kind: ValueKind) -> list[str]:
    return [one for one in _ORDER if one in OPERATORS[kind]]
