"""Which operations services have: names of their spans by kind, of every tier."""

from collections import Counter
from collections.abc import Sequence

import duckdb

from indexer.deferred_dataclass import dataclass
from indexer.query.answer import OperationsAnswer
from indexer.query.answers import Answers
from indexer.query.deadline import Deadline
from indexer.query.facet import Operation
from indexer.query.find.already_indexed import REPLACED_SPANS, registered_replaced
from indexer.query.find.condition_tree import condition_sql
from indexer.query.find.cursor_moment import place_of, with_moment
from indexer.query.find.file_selection import overlapping
from indexer.query.find.keyset import decode_place, encode_place, fingerprint
from indexer.query.find.span_query import SpanQuery
from indexer.query.missing import OPERATIONS_BOUNDED, Missing
from indexer.query.tiers.beside_index import beside_index
from indexer.query.window import ANY_TIME, Window
from indexer.spans.columns import SpanColumns
from indexer.spans.identity import SpanKeys
from indexer.spans.schema import same_span
from indexer.system.counted_nouns import counted
from indexer.system.duckdb_rows import text_literal

_OPERATIONS = """
SELECT service_name, name, span_kind, sum(span_count)::BIGINT
FROM {counted} WHERE {where}
GROUP BY service_name, name, span_kind HAVING sum(span_count) > 0
ORDER BY service_name, name, span_kind LIMIT {count}
"""
_LEFT = f"""(
    SELECT service_name, name, span_kind, span_count FROM file_operations
    UNION ALL
    SELECT held.service_name, held.name, held.span_kind, -1 FROM {REPLACED_SPANS} AS asked
    JOIN trace_files USING (trace_id)
    JOIN indexed_spans AS held
      ON held.file_id = trace_files.file_id AND {same_span("held", "asked")}
)"""
_OPERATIONS_WITHIN = """
SELECT service_name, name, span_kind, count(*)
FROM {counted} WHERE {where} AND file_id IN (SELECT file_id FROM file_services WHERE {files})
GROUP BY service_name, name, span_kind ORDER BY service_name, name, span_kind LIMIT {count}
"""
"""What a file has of an operation has no times: spans are counted."""
_SPANS_LEFT = f"""(
    FROM indexed_spans AS held ANTI JOIN {REPLACED_SPANS} AS asked ON {same_span("held", "asked")}
)"""
_NOT_LISTED = """
SELECT count(*), coalesce(sum(other_operation_spans), 0)::BIGINT
FROM parquet_files WHERE other_operation_spans > 0
"""
_Key = tuple[str, str, int]
KINDS_MAX = 127
"""No kind is greater: a cursor from outside may say anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsQuery:
    """Operations of a service, or of all, and of a kind; after the cursor of another page."""

    service: str | None = None
    span_kind: int | None = None
    window: Window = ANY_TIME
    """Of spans that start in it."""
    limit: int = 1_000
    cursor: str | None = None

    @property
    def fingerprint(self) -> str:
        """What the list is of."""
        bounds = (self.window.since_unix_nano, self.window.until_unix_nano)
        said = () if self.window.is_open else bounds
        return fingerprint("operations", self.service, self.span_kind, *said)

    @property
    def after(self) -> _Key | None:
        """The last operation of the page before. Raises QueryRefused for another's cursor."""
        if self.cursor is None:
            return None
        service, name, kind = decode_place(self.fingerprint, place_of(self.cursor), (str, str, int))
        return service, name, max(-1, min(kind, KINDS_MAX))

    @property
    def spans(self) -> SpanQuery:
        """The spans that are counted, of any kind."""
        since, until = self.window.since_unix_nano, self.window.until_unix_nano
        return SpanQuery(service=self.service, since_unix_nano=since, until_unix_nano=until)

    def has(self, operation: _Key, after: _Key | None) -> bool:
        """Whether the operation is of the list, and after that one."""
        service, _, kind = operation
        return (
            self.service in (None, service)
            and self.span_kind in (None, kind)
            and (after is None or operation > after)
        )


def list_operations(
    answers: Answers, query: OperationsQuery, deadline: Deadline | None = None
) -> OperationsAnswer:
    """One page. Raises QueryRefused for another list's cursor."""
    after = query.after
    with answers.open(deadline) as opened:
        beside = beside_index(opened.tiers, query.window)
        counted = _indexed(opened.cursor, query, after, beside.replaced)
        added = _count(beside.added)
        counted += {one: count for one, count in added.items() if query.has(one, after)}
        found = [_operation(one, counted[one]) for one in sorted(counted)]
        return OperationsAnswer(
            operations=found[: query.limit],
            next_cursor=_next_cursor(query, found),
            completeness=opened.completeness(
                opened.tiers.hot_count, _not_listed(opened.cursor, query)
            ),
            cost=opened.account.total(),
        )


def _indexed(
    cursor: duckdb.DuckDBPyConnection,
    query: OperationsQuery,
    after: _Key | None,
    replaced: SpanKeys,
) -> Counter[_Key]:
    """The first of the index, one more than the page has: no later one can be on it."""
    where = ["true"]
    if query.service is not None:
        where.append(f"service_name = {text_literal(query.service)}")
    if query.span_kind is not None:
        where.append(f"span_kind = {query.span_kind}")
    if after is not None:
        service, name, kind = after
        place = f"({text_literal(service)}, {text_literal(name)}, {kind})"
        where.append(f"(service_name, name, span_kind) > {place}")
    with registered_replaced(cursor, replaced):
        rows = cursor.execute(_counting(query, where, has_replaced=bool(len(replaced)))).fetchall()
    return Counter({(service, name, kind): count for service, name, kind, count in rows})


def _counting(query: OperationsQuery, where: Sequence[str], *, has_replaced: bool) -> str:
    conditions, count = " AND ".join(where), query.limit + 1
    if query.window.is_open:
        counted = _LEFT if has_replaced else "file_operations"
        return _OPERATIONS.format(counted=counted, where=conditions, count=count)
    return _OPERATIONS_WITHIN.format(
        counted=_SPANS_LEFT if has_replaced else "indexed_spans",
        where=f"{conditions} AND {condition_sql(query.window)}",
        files=" AND ".join(overlapping(query.spans)) or "true",
        count=count,
    )


def _count(columns: SpanColumns) -> Counter[_Key]:
    services, names = columns.service, columns.name
    codes = zip(services.codes.tolist(), names.codes.tolist(), columns.kind.tolist(), strict=True)
    return Counter(
        {
            (services.values[service], names.values[name], kind): count
            for (service, name, kind), count in Counter(codes).items()
        }
    )


def _operation(key: _Key, count: int) -> Operation:
    service, name, kind = key
    return Operation(service_name=service, name=name, span_kind=kind, span_count=count)


def _next_cursor(query: OperationsQuery, found: Sequence[Operation]) -> str | None:
    if len(found) <= query.limit:
        return None
    place = encode_place(query.fingerprint, found[query.limit - 1].key)
    return with_moment(place, query.window.counted_from_unix_nano)


def _not_listed(cursor: duckdb.DuckDBPyConnection, query: OperationsQuery) -> list[Missing]:
    if not query.window.is_open:
        return []
    ((files, spans),) = cursor.execute(_NOT_LISTED).fetchall()
    if not files:
        return []
    those = f"{counted(spans, 'span')} of {counted(files, 'file')}"
    verb = "is" if spans == 1 else "are"
    detail = f"{those} {verb} of operations beyond the limit of a file"
    return [Missing(reason=OPERATIONS_BOUNDED, detail=detail, files=files)]
