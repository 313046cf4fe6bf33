"""Rows that are kept of files give a trace as statements do, whatever is asked of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from indexer.query.find import trace_rows as module
from indexer.query.find.trace import indexed_trace
from indexer.query.find.trace_query import TraceQuery
from indexer.query.find.trace_rows import TraceRows
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import T0, Span, spans, write

pytestmark = pytest.mark.duckdb

TRACES = (1, 2, 3, 9)
"""In one file, in two, in two with a span in both, in none."""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory):
    with indexed(tmp_path_factory.mktemp("rows")) as found:
        second = [
            replace(span, start=T0 - 5, service="cart") for span in spans(3, trace=2, first=20)
        ]
        shared = [
            Span(trace=3, span=1, kind=2),
            Span(trace=3, span=1, kind=3),
            Span(trace=3, span=2),
        ]
        write(found.root / "a.parquet", [*spans(5), *spans(4, trace=2), *shared])
        write(found.root / "b.parquet", [*second, *shared[1:], Span(trace=3, span=7, start=T0 + 1)])
        found.settle()
        yield found


QUESTIONS = [
    {},
    {"span_id": f"{1:016x}"},
    {"since_unix_nano": T0 + 1},
    {"until_unix_nano": T0 + 1},
    {"since_unix_nano": T0, "until_unix_nano": T0 + 2_000_001},
    {"limit": 2},
    {"limit": 2, "after": (T0 - 5, f"{21:016x}", 2)},
]


@pytest.mark.parametrize("options", QUESTIONS, ids=str)
@pytest.mark.parametrize("trace", TRACES)
def test_kept_rows_and_statements_give_the_same(one: Indexed, trace: int, options: dict) -> None:
    cursor, directory = one.catalog.cursor(), one.pipeline.register.directory
    ids = [file_id for (file_id,) in one.rows("SELECT file_id FROM parquet_files")]
    kept = {file_id: TraceRows.read(cursor, file_id) for file_id in ids}
    query = TraceQuery(trace_id=f"{trace:032x}", **options)
    limit = options.get("limit", 6)
    by_statement = indexed_trace(cursor, query, directory, limit=limit)
    assert indexed_trace(cursor, query, directory, limit=limit, rows_of=kept.get) == by_statement
    some = {ids[0]: kept[ids[0]]}
    assert indexed_trace(cursor, query, directory, limit=limit, rows_of=some.get) == by_statement


def test_a_file_of_too_many_spans_is_not_read(
    one: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPANS_MAX", 3)
    assert TraceRows.read(one.catalog.cursor(), 1) is None


def test_what_rows_take_is_counted(one: Indexed) -> None:
    rows = TraceRows.read(one.catalog.cursor(), 1)
    assert rows is not None
    assert 60 * len(rows.columns) < rows.nbytes < 60 * len(rows.columns) + 1_000
