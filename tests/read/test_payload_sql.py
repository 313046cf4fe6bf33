"""A span is the same span whoever wrote it: in the index, in otel_spans, and in a trace.

One history of spans, written in the layout of every known writer, has to come back as one
canonical row, rounded only as far as the writer itself rounds times.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.clients.shared.answer_json import answer_json
from indexer.query.sql import Window, open_session, select
from indexer.read.dialect_fields import PayloadColumn
from indexer.read.normalise import canonical, parse_value
from indexer.read.payload_sql import payload_expression
from tests.support.catalogs import indexed
from tests.support.dialect_files import LAYOUTS, Event, Link, OtelSpan
from tests.support.examples import examples

pytestmark = pytest.mark.duckdb

T0 = 1_795_000_000_000_000_000
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
KEYS = st.sampled_from(["http.route", "é", 'a"b', "k"])
ATTRIBUTES = st.dictionaries(KEYS, TEXTS, max_size=3)
MILLISECOND = 1_000_000

VIEW = """
SELECT trace_id, span_id, parent_span_id, service_name, name, kind, status_code, is_root,
       start_time_unix_nano, duration_ns, status_message, attributes, resource_attributes,
       events, links
FROM otel_spans ORDER BY span_id
"""


def spans() -> st.SearchStrategy[list[OtelSpan]]:
    """One trace. Durations are whole milliseconds: one writer stores no others."""
    hexes = st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}")
    events = st.builds(Event, name=TEXTS, at=st.integers(T0, T0 + 10**12), attributes=ATTRIBUTES)
    links = st.builds(
        Link, trace_id=st.just("ab" * 16), span_id=hexes, state=TEXTS, attributes=ATTRIBUTES
    )
    span = st.builds(
        OtelSpan,
        trace_id=st.just("0" * 31 + "1"),
        span_id=hexes,
        parent_span_id=st.none() | hexes,
        service=TEXTS.filter(bool),
        name=TEXTS,
        start=st.integers(T0, T0 + 10**15),
        duration=st.integers(0, 10**6).map(lambda number: number * MILLISECOND),
        kind=st.integers(0, 5),
        status=st.integers(0, 2),
        message=st.none() | TEXTS,
        attributes=ATTRIBUTES,
        resource=ATTRIBUTES,
        events=st.lists(events, max_size=3).map(tuple),
        links=st.lists(links, max_size=2).map(tuple),
    )
    return st.lists(span, min_size=1, max_size=4, unique_by=lambda one: one.span_id)


def expected(span: OtelSpan, layout: str) -> dict[str, Any]:
    """The canonical row, as far as the layout can say it."""
    dialect, step, _ = LAYOUTS[layout]
    event_step = 1000 if dialect.startswith("clickhouse") else 1
    events = [
        {
            "name": event.name,
            "timeUnixNano": str(event.at // event_step * event_step),
            "attributes": event.attributes,
        }
        for event in span.events
    ]
    links = [
        {
            "traceId": link.trace_id,
            "spanId": link.span_id,
            "traceState": link.state,
            "attributes": link.attributes,
        }
        for link in span.links
    ]
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "service_name": span.service,
        "name": span.name,
        "kind": span.kind,
        "status_code": span.status,
        "is_root": span.parent_span_id is None,
        "start_time_unix_nano": span.start // step * step,
        "duration_ns": span.duration,
        "status_message": (span.message or "") if dialect == "rotel" else span.message,
        "attributes": span.attributes,
        "resource_attributes": span.resource,
        "events": events,
        "links": None if dialect == "junjo-14" else links,
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@examples(3)
@given(spans())
def test_a_span_is_the_same_in_every_layout(layout: str, written: list[OtelSpan]) -> None:
    """Through the index and the view, and through a trace with its payload."""
    dialect, _, write = LAYOUTS[layout]
    folder = Path(tempfile.mkdtemp(prefix="dialects-"))
    try:
        wanted = [expected(span, layout) for span in sorted(written, key=lambda s: s.span_id)]
        with indexed(folder) as one:
            pq.write_table(write(written), one.root / "a.parquet")
            one.settle()
            assert one.rows("SELECT file_path, error_message FROM quarantined_files") == []
            assert one.rows("SELECT dialect FROM parquet_files") == [(dialect,)]
            trace = answer_json(one.answers().trace("0" * 31 + "1"))
        assert trace["complete"]
        assert by_id(trace["spans"]) == wanted
        assert by_id(view_rows(folder)) == wanted
    finally:
        shutil.rmtree(folder)


def view_rows(folder: Path) -> list[dict[str, Any]]:
    session = open_session(folder / "catalog.duckdb", memory_limit="256MiB", threads=1)
    try:
        table, _ = select(session, VIEW, Window())
    finally:
        session.close()
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:
        for name in ("attributes", "resource_attributes", "events", "links"):
            row[name] = None if row[name] is None else json.loads(row[name])
    return rows


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The columns of the canonical row alone, in order of span id."""
    chosen = []
    for row in sorted(rows, key=lambda row: row["span_id"]):
        derived = {
            "kind": row.get("kind", row.get("span_kind")),
            "is_root": row["parent_span_id"] is None,
        }
        chosen.append({name: (row | derived)[name] for name in expected_names()})
    return chosen


def expected_names() -> list[str]:
    return [
        part.strip() for part in VIEW.split("FROM", maxsplit=1)[0].replace("SELECT", "").split(",")
    ]


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**63) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "attributes",
                    "timeUnixNano",
                    "time_unix_nano",
                    "time_nanos",
                    "droppedAttributesCount",
                    "other",
                ]
            ),
            inner | st.sampled_from(['{"a":2,"b":1}', "null", "[null]", "{"]),
            max_size=4,
        )
    ),
    max_leaves=12,
).map(json.dumps) | st.sampled_from(["", "{", "not json", "NaN"])


@pytest.mark.parametrize("name", ["attributes", "events", "links"])
@examples(8)
@example(['[{"timeUnixNano": ["\\u001f"], "time_nanos": 7}, {"time_nanos": {}}]'])
@example(['[{"name":"e","attributes":" null "}]'])
@given(st.lists(JSON_TEXTS, min_size=1, max_size=40))
def test_any_text_is_the_same_in_the_view_and_in_a_trace(name: str, texts: list[str]) -> None:
    """Two languages, one rule; and no value that somebody wrote takes an answer down."""
    column = PayloadColumn(name, (("", name),))
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT ({payload_expression(column, ())})::VARCHAR "
            f"FROM (SELECT unnest(?) AS {name}) AS payload",
            [texts],
        ).fetchall()
    wanted = [canonical(name, text) for text in texts]
    json.dumps(wanted, allow_nan=False)
    assert [parse_value(found) for (found,) in rows] == wanted
