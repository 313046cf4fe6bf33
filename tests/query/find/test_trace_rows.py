"""Rows that are kept of files give a trace as statements do, whatever is asked of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexer.query.find import trace_rows as module
from indexer.query.find.trace import indexed_trace
from indexer.query.find.trace_query import TraceQuery
from indexer.query.find.trace_rows import TraceRows
from indexer.spans.columns import SpanColumns
from indexer.spans.identity import trace_key
from indexer.spans.texts import Texts
from indexer.system.duckdb_rows import arrow_table
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


NUMBERS = (
    *("slot", "row", "position", "span_id", "parent_span_id"),
    *("start", "duration", "status", "kind"),
)
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


@pytest.mark.parametrize("after", [None, (T0, f"{1:016x}", 2)])
def test_of_a_page_no_more_rows_are_made_than_it_needs(
    one: Indexed, after: tuple[int, str, int] | None
) -> None:
    whole = TraceQuery(trace_id=f"{1:032x}", after=after)
    (file_id,) = one.pipeline.register.directory.files_of(trace_key(*whole.words))
    rows = TraceRows.read(one.catalog.cursor(), file_id)
    assert rows is not None
    every = sorted(rows.of_trace(whole), key=lambda row: (row.start_time_unix_nano, row.span_id))
    assert len(every) > 3
    assert rows.of_trace(replace(whole, limit=2)) == every[:3]


def test_a_file_of_too_many_spans_is_not_read(
    one: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPANS_MAX", 3)
    assert TraceRows.read(one.catalog.cursor(), 1) is None


def test_what_rows_take_is_counted(one: Indexed) -> None:
    rows = TraceRows.read(one.catalog.cursor(), 1)
    assert rows is not None
    count = len(rows.row)
    assert 40 * count < rows.nbytes < 60 * count + 1_000


def test_rows_that_are_not_in_order_of_their_trace_are_put_in_order(one: Indexed) -> None:
    """Copies that a file has taken over from another come after its own."""
    cursor = one.catalog.cursor()
    table = arrow_table(cursor, "SELECT * FROM indexed_spans WHERE file_id = 1")
    columns = SpanColumns.from_arrow(table, {1: 0})
    mixed = TraceRows.of(1, columns.take(np.random.default_rng(1).permutation(len(columns))))
    right = TraceRows.of(1, columns)
    for trace in TRACES:
        query = TraceQuery(trace_id=f"{trace:032x}")
        assert sorted(mixed.of_trace(query)) == sorted(right.of_trace(query))


def test_a_trace_is_told_from_others_by_its_whole_id() -> None:
    """Some writers have the same first half in all."""
    ids = [(1, 5), (1, 7), (2, 6), (1, 5)]
    columns = SpanColumns.empty()
    numbers = np.arange(4, dtype=np.int64)
    columns = replace(
        columns,
        **{one: numbers.astype(getattr(columns, one).dtype) for one in NUMBERS},
        trace_hi=np.array([high for high, _ in ids], np.uint64),
        trace_lo=np.array([low for _, low in ids], np.uint64),
        service=Texts(np.zeros(4, np.int32), ("a",)),
        name=Texts(np.zeros(4, np.int32), ("b",)),
    )
    rows = TraceRows.of(1, columns)

    def found(high: int, low: int) -> list[int]:
        query = TraceQuery(trace_id=f"{high:016x}{low:016x}")
        return [one.file_row_number for one in rows.of_trace(query)]

    assert [found(*one) for one in ((1, 5), (1, 7), (2, 6))] == [[0, 3], [1], [2]]
    assert [found(*one) for one in ((1, 6), (2, 5), (2, 7), (0, 5), (3, 6), (1, 8))] == [[]] * 6
