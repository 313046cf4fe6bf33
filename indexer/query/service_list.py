"""Which services there are, since when, and with how many spans: of the index and beside it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import numpy as np

from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.query.find.already_indexed import (
    REPLACED_SPANS,
    known_spans,
    registered_replaced,
)
from indexer.query.find.column_scan import within
from indexer.query.window import ANY_TIME, Window
from indexer.spans.aggregates import KNOWN_FROM_NS
from indexer.spans.columns import SpanColumns, concatenate
from indexer.spans.identifiers import BoolArray
from indexer.spans.identity import SpanKeys
from indexer.spans.schema import same_span
from indexer.system.duckdb_rows import rows, text_literal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SERVICES = """
SELECT service_name, first_seen, last_seen, total_spans FROM services ORDER BY service_name
"""
_FIRST_TIME, _LAST_TIME = -(2**63), 2**63 - 1

_SERVICES_WITHIN = """
WITH held AS (
    SELECT *, first_start_unix_nano >= $since AND last_start_unix_nano < $until AS is_whole
    FROM file_services
    WHERE last_start_unix_nano >= $since AND first_start_unix_nano < $until
),
seen AS (
    SELECT service_name, first_known_start_unix_nano, last_start_unix_nano, span_count
    FROM held WHERE is_whole
    UNION ALL
    SELECT service_name,
           CASE WHEN start_time_unix_nano >= $known THEN start_time_unix_nano END,
           start_time_unix_nano, 1
    FROM indexed_spans
    SEMI JOIN (FROM held WHERE NOT is_whole) USING (file_id, service_name)
    WHERE start_time_unix_nano >= $since AND start_time_unix_nano < $until
)
SELECT service_name,
       make_timestamptz(coalesce(min(first_known_start_unix_nano), 0) // 1000) AS first_seen,
       make_timestamptz(max(last_start_unix_nano) // 1000) AS last_seen,
       sum(span_count)::BIGINT AS total_spans
FROM seen GROUP BY service_name ORDER BY service_name
"""

_REPLACED_IN = f"""
SELECT DISTINCT service_name FROM {REPLACED_SPANS} AS asked
JOIN trace_files USING (trace_id)
JOIN indexed_spans AS held ON held.file_id = trace_files.file_id AND {same_span("held", "asked")}
"""
_SERVICES_LEFT = f"""
SELECT service_name,
       make_timestamptz(coalesce(
           min(start_time_unix_nano) FILTER (WHERE start_time_unix_nano >= $known), 0
       ) // 1000) AS first_seen,
       make_timestamptz(max(start_time_unix_nano) // 1000) AS last_seen,
       count(*)::BIGINT AS total_spans
FROM indexed_spans AS held ANTI JOIN {REPLACED_SPANS} AS asked ON {same_span("held", "asked")}
WHERE service_name IN ({{names}})
  AND start_time_unix_nano >= $since AND start_time_unix_nano < $until
GROUP BY service_name ORDER BY service_name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, the first and last start of its spans to the microsecond, and their number.

    Unknown starts, which are 0, count as the first one only where no other is known.
    """

    service_name: str
    first_seen: datetime
    last_seen: datetime
    total_spans: int


def list_services(cursor: duckdb.DuckDBPyConnection, window: Window = ANY_TIME) -> list[Service]:
    """Every service with its first and last start and its number of spans, by name.

    With bounds: of the spans that start within them.
    """
    if window.is_open:
        return _services(rows(cursor, _SERVICES))
    return _services(rows(cursor, _SERVICES_WITHIN, _bounds(window)))


def without_replaced(
    cursor: duckdb.DuckDBPyConnection,
    services: Sequence[Service],
    replaced: SpanKeys,
    window: Window = ANY_TIME,
) -> list[Service]:
    """The services of the index without some of its spans: those of them are counted anew."""
    if not len(replaced):
        return list(services)
    with registered_replaced(cursor, replaced):
        names = [name for (name,) in cursor.execute(_REPLACED_IN).fetchall()]
        sql = _SERVICES_LEFT.format(names=", ".join(map(text_literal, names)) or "''")
        left = _services(rows(cursor, sql, _bounds(window)))
    kept = [one for one in services if one.service_name not in names]
    return sorted([*kept, *left], key=lambda one: one.service_name.encode())


def _bounds(window: Window) -> dict[str, int]:
    since, until = window.since_unix_nano, window.until_unix_nano
    return {
        "since": _FIRST_TIME if since is None else since,
        "until": _LAST_TIME if until is None else until,
        "known": KNOWN_FROM_NS,
    }


def unindexed_spans(
    cursor: duckdb.DuckDBPyConnection,
    parts: Sequence[SpanColumns],
    window: Window = ANY_TIME,
    directory: TraceDirectory | None = None,
) -> SpanColumns:
    """Each span of the parts that starts in the window once, but those that the index has.

    ``directory`` is the writer's, and makes it quicker.
    """
    spans = concatenate(parts, [1] * len(parts))
    if not window.is_open:
        spans = spans.take(within(spans, window))
    added = _are_first(spans.keys) & ~known_spans(cursor, spans.keys, directory)
    return spans if added.all() else spans.take(added)


def _are_first(keys: SpanKeys) -> BoolArray:
    """Which of them are not copies of one before. Mostly none is, and sorted they tell so."""
    hashes = keys.hashes
    ordered = np.sort(hashes)
    if not (ordered[1:] == ordered[:-1]).any():
        return np.ones(len(hashes), np.bool_)
    first = np.zeros(len(hashes), np.bool_)
    first[np.unique(hashes, return_index=True)[1]] = True
    return first


def add_spans(services: Sequence[Service], added: SpanColumns) -> list[Service]:
    """The services of the index and of spans that are not in it, by name."""
    by_name = {one.service_name: one for one in services}
    for code in np.unique(added.service.codes):
        name, starts = added.service.values[code], added.start[added.service.codes == code]
        known = starts[starts >= KNOWN_FROM_NS]
        new = Service(
            service_name=name,
            first_seen=_time(int(known.min()) if len(known) else 0),
            last_seen=_time(int(starts.max())),
            total_spans=len(starts),
        )
        by_name[name] = _joined(by_name[name], new) if name in by_name else new
    return [by_name[name] for name in sorted(by_name, key=str.encode)]


def _joined(one: Service, other: Service) -> Service:
    return Service(
        service_name=one.service_name,
        first_seen=min(
            {one.first_seen, other.first_seen} - {_EPOCH} or {_EPOCH},
        ),
        last_seen=max(one.last_seen, other.last_seen),
        total_spans=one.total_spans + other.total_spans,
    )


def _services(found: Sequence[dict[str, Any]]) -> list[Service]:
    return [Service(**one) for one in found]


def _time(unix_nano: int) -> datetime:
    return _EPOCH + timedelta(microseconds=unix_nano // 1_000)
