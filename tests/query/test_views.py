"""The text of the generated view, and that it holds exactly the indexed spans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer.errors import QueryRefused
from indexer.query.sql import (
    Coverage,
    Window,
    names_tables,
    open_session,
    select,
    view_names,
)
from indexer.query.statement import explained
from indexer.run.sql_views import DIALECT_VIEWS
from tests.support.catalogs import indexed
from tests.support.span_files import Span, rewrite_in_place, spans, write

pytestmark = pytest.mark.duckdb


def run(path: Path, sql: str, window: Window | None = None) -> list[tuple[object, ...]]:
    session = open_session(path, memory_limit="256MiB", threads=1)
    try:
        table, _ = select(session, sql, window or Window(), DIALECT_VIEWS)
    finally:
        session.close()
    return [tuple(row.values()) for row in table.to_pylist()]


def test_metadata_is_answered_without_a_file(tmp_path: Path) -> None:
    """The files are gone, and the index says how many spans they had."""
    with indexed(tmp_path) as one:
        file = write(one.root / "a.parquet", spans(2))
        one.settle()
    file.unlink()
    catalog = tmp_path / "catalog.duckdb"
    assert run(catalog, "SELECT count(*), count(DISTINCT service_name) FROM otel_spans") == [(2, 1)]
    assert run(catalog, "SELECT count(*), count(attributes) FROM otel_spans") == [(2, 0)]


def test_the_view_holds_each_indexed_span_once_with_its_payload(tmp_path: Path) -> None:
    """Doubles are left out, nanoseconds and payload are exact."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(start=1_001, attributes='{"from": "a"}')])
        write(one.root / "b.parquet", [Span(attributes='{"from": "b"}'), Span(trace=2)])
        one.settle()
    rows = run(
        tmp_path / "catalog.duckdb",
        "SELECT trace_id, attributes, start_time_unix_nano FROM otel_spans ORDER BY trace_id",
    )
    assert rows[0] == (f"{1:032x}", '{"from": "a"}', 1_001)
    assert len(rows) == 2


def test_the_view_of_an_empty_catalog_is_empty(tmp_path: Path) -> None:
    """It exists all the same."""
    with indexed(tmp_path):
        pass
    assert run(tmp_path / "catalog.duckdb", "SELECT * FROM otel_spans") == []


def test_coverage_counts_the_files_that_match_the_window(tmp_path: Path) -> None:
    """The newest are covered first, and the rest are counted."""
    with indexed(tmp_path) as one:
        for number in range(5):
            write(one.root / f"{number}.parquet", spans(1, trace=number + 1))
        one.settle()
    session = open_session(tmp_path / "catalog.duckdb", memory_limit="256MiB", threads=1)
    try:
        table, coverage = select(session, "SELECT trace_id FROM otel_spans", Window(files_max=2))
    finally:
        session.close()
    assert coverage == Coverage(views=("otel_spans",), files=2, matching=5)
    assert sorted(table["trace_id"].to_pylist()) == [f"{4:032x}", f"{5:032x}"]


def test_a_file_that_is_not_what_was_indexed_has_no_payload_and_is_named(tmp_path: Path) -> None:
    """No span is shown with the payload of another; a change of permissions is none of bytes."""
    with indexed(tmp_path) as one:
        (path, gone, touched) = (
            write(one.root / name, spans(1, trace=number, attributes=f'{{"of":{number}}}'))
            for number, name in enumerate(("a.parquet", "b.parquet", "c.parquet"), start=1)
        )
        one.settle()
    rewrite_in_place(path, spans(1, trace=7, attributes='{"of":7}'))
    gone.unlink()
    touched.chmod(0o600)
    session = open_session(tmp_path / "catalog.duckdb", memory_limit="256MiB", threads=1)
    try:
        sql = "SELECT trace_id, attributes FROM otel_spans ORDER BY trace_id"
        table, coverage = select(session, sql, Window())
    finally:
        session.close()
    assert table["attributes"].to_pylist() == [None, None, '{"of":3}']
    assert coverage is not None
    assert [(one.file_path, one.reason.code) for one in coverage.missing] == [
        (str(path), "FileChanged"),
        (str(gone), "FileVanished"),
    ]


@pytest.mark.parametrize(
    ("sql", "views"),
    [
        ("FROM spans", ("spans",)),
        ('SELECT count(*) FROM "Spans"', ("spans",)),
        ("SELECT * FROM state_patches JOIN spans USING (trace_id)", ("spans", "state_patches")),
        ("SELECT (SELECT count(*) FROM spans) FROM otel_spans", ("otel_spans", "spans")),
        ("FROM query_table('spans')", ("spans",)),
        ("SELECT column_name FROM (DESCRIBE state_patches)", ("state_patches",)),
        ("SELECT 'spans', total_spans AS spans FROM services ORDER BY spans", None),
        ("WITH spans AS (FROM span_metadata) SELECT spans.name FROM spans", None),
        ("WITH spans AS (FROM otel_spans) FROM spans", ("otel_spans",)),
        ("FROM indexed_spans", None),
    ],
)
def test_a_view_is_made_when_it_is_asked_for_as_a_table(
    tmp_path: Path, sql: str, views: tuple[str, ...] | None
) -> None:
    """Its name in a text, as a column or as one of the query's own tables is not asking."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        one.settle()
    session = open_session(tmp_path / "catalog.duckdb", memory_limit="256MiB", threads=1)
    try:
        table, coverage = select(session, sql, Window(), DIALECT_VIEWS)
    finally:
        session.close()
    assert table.num_rows > 0 or "state_patches" in sql
    assert coverage == (views and Coverage(views=views, files=1, matching=1))


def test_the_views_are_among_the_tables_that_are_shown(tmp_path: Path) -> None:
    """With what their columns are; not what they are made of."""
    with indexed(tmp_path):
        pass
    catalog = tmp_path / "catalog.duckdb"
    shown = {name for (name,) in run(catalog, "SHOW TABLES")}
    assert {"otel_spans", "spans", "state_patches", "services", "span_metadata"} <= shown
    assert not any("with_" in str(name) or "unindexed" in str(name) for name in shown)
    assert ("trace_id", "VARCHAR") in {row[:2] for row in run(catalog, "DESCRIBE otel_spans")}
    (plan,) = run(catalog, "EXPLAIN SELECT count(*) FROM otel_spans")
    assert plan[0] == "physical_plan"


def test_a_wrong_name_is_refused_with_a_near_one(tmp_path: Path) -> None:
    with indexed(tmp_path):
        pass
    with pytest.raises(QueryRefused) as refused:
        run(tmp_path / "catalog.duckdb", "FROM state_patch")
    assert "Did you mean state_patches?" in refused.value.advice


@pytest.mark.parametrize(
    ("sql", "is_of_tables"),
    [
        ("FROM otel_spans", False),
        ("FROM state_patches JOIN spans USING (trace_id)", False),
        ("FROM spans JOIN services USING (service_name)", True),
        ("EXPLAIN FROM span_metadata", True),
        ("SELECT 1", False),
        ("FROM nowhere JOIN anywhere USING (a)", True),
    ],
)
def test_a_question_of_tables_is_told_from_one_of_views(
    tmp_path: Path, sql: str, is_of_tables: bool
) -> None:
    with indexed(tmp_path):
        pass
    session = open_session(tmp_path / "catalog.duckdb", memory_limit="256MiB", threads=1)
    try:
        assert names_tables(session, explained(sql), view_names(DIALECT_VIEWS)) == is_of_tables
    finally:
        session.close()


def test_a_window_chooses_the_files_of_every_view(tmp_path: Path) -> None:
    """The newest files answer for ``spans`` as they do for ``otel_spans``."""
    with indexed(tmp_path) as one:
        for number in range(3):
            write(one.root / f"{number}.parquet", spans(1, trace=number + 1))
        one.settle()
    catalog = tmp_path / "catalog.duckdb"
    assert run(catalog, "SELECT trace_id FROM spans", Window(files_max=1)) == [(f"{3:032x}",)]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO services VALUES ('x', now(), now(), 1)",
        "DELETE FROM span_metadata",
        "COPY (SELECT 1) TO '/tmp/never.csv'",
        "SELECT 1; DROP TABLE services",
        "ATTACH ':memory:' AS other",
        "SET threads = 1",
        "PRAGMA memory_limit='1GB'",
        "CREATE TABLE x AS SELECT 1",
        "",
        "not sql",
    ],
)
def test_anything_but_one_select_is_refused(tmp_path: Path, sql: str) -> None:
    """Nothing is executed before the check."""
    with indexed(tmp_path):
        pass
    with pytest.raises(QueryRefused):
        run(tmp_path / "catalog.duckdb", sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT count(*) FROM otel_spans, read_text('/etc/hostname')",
        "SELECT count(*) FROM spans, read_csv('/etc/passwd')",
    ],
)
def test_nothing_beyond_the_indexed_files_can_be_read(tmp_path: Path, sql: str) -> None:
    """A SELECT is not a way to the rest of the disk."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(1))
        one.settle()
    with pytest.raises(QueryRefused):
        run(tmp_path / "catalog.duckdb", sql)


GLOB_NAMES = (
    *("run[1]", "run1", "*", "?", "a", "[ab]", "[!c]", "d[1]/f", "d1/f", "**/x", "e/x", "{x,y}"),
    *("it's", "a%20b", "a b", "back\\slash", "two\nlines", 'quote"s', "#hash", "~", "$HOME"),
)
"""Patterns for whoever takes names of files for them, and what they would match."""


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    """Each file's span is there once, with its own payload."""
    with indexed(tmp_path) as one:
        for number, name in enumerate(GLOB_NAMES, 1):
            write(
                one.root / f"{name}.parquet",
                [Span(trace=number, name=name, attributes=json.dumps({"who": name}))],
            )
        one.settle()
    rows = run(
        tmp_path / "catalog.duckdb",
        "SELECT name, json_extract_string(attributes, 'who') FROM otel_spans",
    )
    assert sorted(rows) == sorted((name, name) for name in GLOB_NAMES)
