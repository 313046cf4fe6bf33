"""Rows that are kept of files give a list as statements do, whatever is asked of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from indexer.query.deadline import Deadline
from indexer.query.find import newest_rows as module
from indexer.query.find.index_scan import first_rows
from indexer.query.find.newest_rows import NewestRows
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import Position, SpanQuery
from indexer.query.find.trace_rows import TraceRows
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import T0, Span, spans, write

pytestmark = pytest.mark.duckdb


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory):
    """Three files; many spans of two of them start at one time, and one is in both."""
    with indexed(tmp_path_factory.mktemp("rows")) as found:
        tied = [
            Span(trace=trace, span=span, kind=kind, name=f"GET /{span}", status=span % 3)
            for trace in (9, 3)
            for span in (7, 5)
            for kind in (3, 2)
        ]
        write(found.root / "a.parquet", [*spans(40), *tied])
        write(found.root / "b.parquet", [*tied[:2], *spans(20, trace=2, first=50)])
        late = [
            replace(one, start=one.start + 9_000_000, service="cart")
            for one in spans(5, trace=4, first=80)
        ]
        write(found.root / "c.parquet", late)
        found.settle()
        yield found


LISTS = [
    SpanQuery(),
    SpanQuery(limit=3),
    SpanQuery(roots=True),
    SpanQuery(service="cart"),
    SpanQuery(service="nobody"),
    SpanQuery(limit=4, offset=6),
    SpanQuery(since_unix_nano=T0 + 1, limit=5),
    SpanQuery(until_unix_nano=T0 + 1),
    SpanQuery(trace_ids=frozenset({f"{9:032x}"})),
    SpanQuery(conditions=SpanConditions(name_prefix="GET", status_code=1)),
    SpanQuery(conditions=SpanConditions(span_kind=3, min_duration_ns=1)),
    SpanQuery(
        limit=2,
        after=Position(
            start_time_unix_nano=T0, trace_id=f"{3:032x}", span_id=f"{7:016x}", span_kind=2
        ),
    ),
]


@pytest.mark.parametrize("looked_at", [2, module.LOOKED_AT_FIRST])
@pytest.mark.parametrize("query", LISTS, ids=lambda query: query.fingerprint)
def test_kept_rows_and_statements_give_the_same(
    one: Indexed, query: SpanQuery, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In all files, in one of them, and with some files asked by statements."""
    monkeypatch.setattr(module, "LOOKED_AT_FIRST", looked_at)
    cursor = one.catalog.cursor()
    kept = {}
    for (file_id,) in one.rows("SELECT file_id FROM parquet_files"):
        rows = TraceRows.read(cursor, file_id)
        assert rows is not None
        kept[file_id] = NewestRows.of(rows)
    by_statement = first_rows(cursor, query, Deadline())
    assert first_rows(cursor, query, Deadline(), rows_of=kept.get) == by_statement
    for one_of_them in kept.items():
        some = dict([one_of_them])
        assert first_rows(cursor, query, Deadline(), rows_of=some.get) == by_statement


def test_a_floor_leaves_out_what_starts_before_it(one: Indexed) -> None:
    rows = TraceRows.read(one.catalog.cursor(), 1)
    assert rows is not None
    found = NewestRows.of(rows).first(SpanQuery(), T0 + 1)
    assert found
    assert all(row.start_time_unix_nano > T0 for row in found)
