"""The spans of a catalog as SQL says them and as traces say them, in the same form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from indexer.clients.shared.answer_json import answer_json
from indexer.query.sql import open_session, select
from indexer.query.sql_scope import NOTHING_UNINDEXED, Coverage, Unindexed, Window
from indexer.read.normalise import JSON_COLUMNS
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.run.sql_views import DIALECT_VIEWS
from tests.support.catalogs import Indexed

Spans = dict[tuple[str, str, int], dict[str, Any]]
"""By identity: trace, span, kind."""

METADATA = (
    *("trace_id", "span_id", "parent_span_id", "service_name", "name", "kind", "status_code"),
    *("start_time_unix_nano", "end_time_unix_nano", "duration_ns", "file_path"),
    "file_row_number",
)


ANY_TIME = Window()


def asked(
    catalog: Path,
    sql: str,
    unindexed: Unindexed = NOTHING_UNINDEXED,
    window: Window = ANY_TIME,
) -> tuple[list[dict[str, Any]], Coverage | None]:
    """The rows of one session's question, and what its views covered."""
    session = open_session(catalog, memory_limit="256MiB", threads=1)
    try:
        table, coverage = select(session, sql, window, DIALECT_VIEWS, unindexed)
        return table.to_pylist(), coverage
    finally:
        session.close()


def spans_of_sql(catalog: Path, unindexed: Unindexed = NOTHING_UNINDEXED) -> Spans:
    """Every row of ``otel_spans``, its JSON as values; each text of it is one that DuckDB reads."""
    members = ", ".join(f"json_type({name}) AS {name}_type" for name in JSON_COLUMNS)
    rows, _ = asked(catalog, f"SELECT *, {members} FROM otel_spans", unindexed)
    found: Spans = {}
    for row in rows:
        for name in JSON_COLUMNS:
            row[name] = None if row[name] is None else _json(row[name])
        span = {name: row[name] for name in (*METADATA, *PAYLOAD_COLUMNS)}
        key = _key(span)
        assert key not in found
        assert row["is_root"] == (row["parent_span_id"] is None)
        assert _micros(row["start_time"]) == row["start_time_unix_nano"] // 1000
        end = row["end_time_unix_nano"]
        assert (_micros(row["end_time"]) if row["end_time"] else None) == (end and end // 1000)
        found[key] = span
    return found


def spans_of_traces(one: Indexed, trace_ids: Iterable[str] = (), **options: Any) -> Spans:
    """Every span of these traces, or of all that the index knows."""
    known = one.rows("SELECT DISTINCT trace_id FROM span_metadata")
    found: Spans = {}
    for trace_id in trace_ids or [trace_id for (trace_id,) in known]:
        for row in answer_json(one.answers(**options).trace(trace_id))["spans"]:
            row["kind"] = row.pop("span_kind")
            span = {name: row.get(name) for name in (*METADATA, *PAYLOAD_COLUMNS)}
            found[_key(span)] = span
    return found


def _key(span: dict[str, Any]) -> tuple[str, str, int]:
    return span["trace_id"], span["span_id"], span["kind"]


def _json(text: str) -> Any:
    """No key twice and no number that JSON has not."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    def unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(members)) == len(members), members
        return dict(members)

    text.encode()
    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


def _micros(time: Any) -> int:
    return (
        (time.toordinal() - 719_163) * 86_400_000_000
        + ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000
        + time.microsecond
    )
