"""SQL has the spans that traces have: of the index, of files that it lacks, and hot ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import HotUnavailable
from indexer.hot.metadata import HotMetadata
from indexer.hot.view import DecodedRows, HotView
from indexer.query import unindexed_rows
from indexer.query.hot_handover import SpansApart
from indexer.query.payload_functions import HotColumns
from indexer.query.sql_scope import HandedOver, HotRows, Unindexed, Window
from indexer.query.tiers.hot_spans import hot_columns
from tests.support.catalogs import Indexed, indexed
from tests.support.examples import examples
from tests.support.span_files import T0, Span, spans, table, write
from tests.support.sql_spans import asked, spans_of_sql, spans_of_traces
from tests.support.tiers import Published

pytestmark = pytest.mark.duckdb

PLACES = ("a.parquet", "c.parquet", "b.parquet", "d.parquet", "hot", "published")
INDEXED = PLACES[:2]
ODD_TEXTS = (
    "{}",
    '{"k": "v", "n": 1.5}',
    '{"k":1,"k":2}',
    "{NaN",
    '["no object"]',
    "",
    '{"h":"\\ud800"}',
)
COPIES = st.builds(
    Span,
    trace=st.integers(1, 3),
    span=st.integers(1, 4),
    kind=st.sampled_from([2, 3]),
    parent=st.sampled_from([None, 1, 7]),
    service=st.sampled_from(["shop", "bank"]),
    name=st.sampled_from(["GET /", "x" * 5_000]),
    start=st.sampled_from([0, T0, T0 + 1]),
    duration=st.sampled_from([0, 17, -5]),
    attributes=st.sampled_from(ODD_TEXTS),
    events=st.sampled_from(["[]", '[{"name":"set_state","timeUnixNano":7}]', "?"]),
)
MIXES = st.lists(st.tuples(st.sampled_from(PLACES), COPIES), min_size=1, max_size=16)


def hot_rows(rows: Sequence[Span]) -> pa.Table:
    return pa.table(table(rows))


def columns_of(table: pa.Table) -> HotColumns:
    """As a command has it: columns as they are asked for."""
    return lambda names: table.select([name for name in names if name in table.column_names])


def parts_of(hot: pa.Table) -> list[HotMetadata]:
    middle = hot.num_rows // 2
    return [HotMetadata.of(half, hot_columns) for half in (hot.slice(0, middle), hot.slice(middle))]


def handed(
    hot: pa.Table, columns: HotColumns | None = None, lacking_in: Path | None = None
) -> HandedOver:
    """In two parts, of which the catalog has none."""
    rows = HotRows(
        parts=[(part.table, part.row_count) for part in parts_of(hot)],
        lacking_in=None if lacking_in is None else str(lacking_in),
    )
    return HandedOver(lambda: rows, columns or columns_of(hot))


def beside(
    hot: pa.Table | None = None, *recent: Path, published: pa.Table | None = None
) -> Unindexed:
    return Unindexed(
        recent_paths=[str(path) for path in recent],
        hot=None if hot is None or not hot.num_rows else handed(hot),
        published=None if published is None else columns_of(published),
    )


def copied(one: Indexed) -> Path:
    """The catalog as it is now, for a session of its own."""
    one.catalog.checkpoint()
    target = one.root.parent / "copy.duckdb"
    shutil.copy(one.root.parent / "catalog.duckdb", target)
    return target


def placed(
    one: Indexed, mix: Sequence[tuple[str, Span]]
) -> tuple[list[Path], list[Span], list[Span]]:
    """The spans where they are drawn to lie; files that the index lacks, hot and published ones."""
    rows = {name: [span for place, span in mix if place == name] for name in PLACES}
    for name in INDEXED:
        if rows[name]:
            write(one.root / name, rows[name])
    one.settle()
    recent = [write(one.root / name, rows[name]) for name in PLACES[2:4] if rows[name]]
    return recent, rows["hot"], rows["published"]


@examples(6)
@given(MIXES)
def test_sql_and_traces_say_the_same_wherever_a_span_is(mix: list[tuple[str, Span]]) -> None:
    with tempfile.TemporaryDirectory(prefix="unindexed-") as folder, indexed(Path(folder)) as one:
        recent, hot_spans, published = placed(one, mix)
        hot = hot_rows(hot_spans)
        view = HotView(
            rows=DecodedRows(hot),
            as_of_unix_nano=1,
            recent_files=tuple(map(str, recent)),
            source="incremental",
            bounded=False,
        )
        trace_ids = {span.trace_id for _, span in mix}
        store = Published(published)
        traces = spans_of_traces(one, trace_ids, hot=lambda: view, published=store)
        given_beside = beside(hot, *recent, published=hot_rows(published))
        catalog = copied(one)
        assert spans_of_sql(catalog, given_beside) == traces
        if hot.num_rows and SpansApart().are_apart(parts_of(hot), one.catalog.cursor(), None, 1):
            told = replace(given_beside, hot=handed(hot, lacking_in=catalog))
            assert spans_of_sql(catalog, told) == traces
        (counted,), _ = asked(catalog, "SELECT count(*) AS n FROM otel_spans", given_beside)
    assert counted["n"] == len(traces)


def test_what_the_worker_has_told_apart_is_not_looked_up_again(tmp_path, monkeypatch) -> None:
    """Of its own copy of the catalog, and of no other; files or published spans beside are."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2, trace=1))
        one.settle()
        recent = write(one.root / "b.parquet", spans(1, trace=2))
        catalog = copied(one)
    looked: list[int] = []
    found = unindexed_rows.unindexed_spans
    monkeypatch.setattr(
        unindexed_rows, "unindexed_spans", lambda *given: looked.append(1) or found(*given)
    )
    hot = hot_rows(spans(3, trace=5))
    for given_beside, count, looks in (
        (Unindexed(hot=handed(hot, lacking_in=catalog)), 5, 0),
        (Unindexed(hot=handed(hot, lacking_in=tmp_path / "other.duckdb")), 5, 1),
        (Unindexed(hot=handed(hot)), 5, 1),
        (Unindexed(hot=handed(hot, lacking_in=catalog), recent_paths=[str(recent)]), 6, 1),
        (Unindexed(hot=handed(hot, lacking_in=catalog), published=columns_of(hot)), 5, 1),
    ):
        looked.clear()
        rows, _ = asked(catalog, "SELECT count(*) AS n FROM otel_spans", given_beside)
        assert (rows, len(looked)) == ([{"n": count}], looks)


def test_payload_of_other_rows_than_were_handed_over_is_refused(tmp_path: Path) -> None:
    """Their places would be those of other spans."""
    hot = hot_rows(spans(3))
    with indexed(tmp_path) as one:
        catalog = copied(one)
    rows, coverage = asked(
        catalog,
        "SELECT count(*) AS n, count(attributes) AS known FROM otel_spans",
        Unindexed(hot=handed(hot, columns_of(hot.slice(1)))),
    )
    assert rows == [{"n": 3, "known": 0}]
    assert coverage is not None
    assert [one.reason.code for one in coverage.missing] == ["HotUnavailable"]


def test_views_made_of_otel_spans_have_them_too(tmp_path: Path) -> None:
    patched = '[{"name":"set_state","timeUnixNano":7,"attributes":{}}]'
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=1)])
        one.settle()
        recent = write(one.root / "b.parquet", [Span(trace=2, events=patched)])
        catalog = copied(one)
    given_beside = beside(hot_rows([Span(trace=3, events=patched)]), recent)
    for sql, traces in (
        ("SELECT trace_id[32:] AS t FROM spans ORDER BY 1", "123"),
        ("SELECT trace_id[32:] AS t FROM state_patches ORDER BY 1", "23"),
    ):
        rows, coverage = asked(catalog, sql, given_beside)
        assert "".join(row["t"] for row in rows) == traces
        assert coverage is not None
        assert coverage.missing == ()


def test_a_file_that_the_catalog_has_by_now_is_left_to_it(tmp_path: Path) -> None:
    """The hot tier was asked before the catalog was copied."""
    with indexed(tmp_path) as one:
        file = write(one.root / "a.parquet", spans(2))
        one.settle()
        catalog = copied(one)
    rows, _ = asked(
        catalog, "SELECT count(*) AS n FROM otel_spans", beside(hot_rows(spans(3)), file)
    )
    assert rows == [{"n": 3}]


def test_what_cannot_be_read_is_missing_and_costs_the_rest_nothing(tmp_path: Path) -> None:
    def gone() -> HotRows:
        raise HotUnavailable("the worker has gone")

    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        one.settle()
        broken = one.root / "b.parquet"
        broken.write_bytes(b"no")
        catalog = copied(one)
    rows, coverage = asked(
        catalog,
        "SELECT count(attributes) AS n FROM otel_spans",
        Unindexed(recent_paths=[str(broken)], hot=HandedOver(gone, columns_of(pa.table({})))),
    )
    assert rows == [{"n": 2}]
    assert coverage is not None
    codes = [one.reason.code for one in coverage.missing]
    assert codes == ["FooterUnreadable", "HotUnavailable"]


def test_payload_that_is_gone_meanwhile_is_null_and_said(tmp_path: Path) -> None:
    hot = hot_rows(spans(2))

    def metadata_only(names: Sequence[str]) -> pa.Table:
        if "attributes" in names:
            raise HotUnavailable("not held any more")
        return hot.select([name for name in names if name in hot.column_names])

    with indexed(tmp_path) as one:
        catalog = copied(one)
    rows, coverage = asked(
        catalog,
        "SELECT count(*) AS n, count(attributes) AS known FROM otel_spans",
        Unindexed(hot=handed(hot, metadata_only)),
    )
    assert rows == [{"n": 2, "known": 0}]
    assert coverage is not None
    assert [one.reason.code for one in coverage.missing] == ["HotUnavailable"]


def test_a_window_is_of_files_and_of_what_is_hot_as_a_whole(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        recent = write(one.root / "b.parquet", [Span(trace=1, start=T0)])
        catalog = copied(one)
    later = 86_400 * 1_000_000_000
    given_beside = beside(hot_rows([Span(trace=2, start=T0 + later)]), recent)
    window = Window(since_unix_nano=T0 + later // 2)
    rows, _ = asked(catalog, "SELECT trace_id[32:] AS t FROM otel_spans", given_beside, window)
    assert rows == [{"t": "2"}]


def test_only_the_columns_that_a_question_reads_are_asked_for(tmp_path: Path) -> None:
    hot, names = hot_rows(spans(2)), []

    def counted(columns: Sequence[str]) -> pa.Table:
        names.append(list(columns))
        return hot.select([name for name in columns if name in hot.column_names])

    with indexed(tmp_path) as one:
        catalog = copied(one)
    asked(catalog, "SELECT count(*) FROM otel_spans", Unindexed(hot=handed(hot, counted)))
    assert names == []
    asked(catalog, "SELECT events FROM otel_spans", Unindexed(hot=handed(hot, counted)))
    assert names == [["events"]]
