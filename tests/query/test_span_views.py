"""What reads a question of the views: the index, DuckDB itself, or the canonical reader."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from indexer.query.span_views import CoveredFiles
from indexer.query.sql_scope import Window
from indexer.query.views import otel_spans
from tests.support.catalogs import indexed
from tests.support.span_files import T0, Span, spans, table, write
from tests.support.sql_spans import asked

pytestmark = pytest.mark.duckdb

PATCHED = json.dumps(
    [{"name": "set_state", "timeUnixNano": 7, "attributes": {"junjo.state_json_patch": "[]"}}]
)

PLAIN = json.dumps([{"name": "retry", "attributes": {}}])


def looked_at(folder: Path, files: Mapping[str, list[Span] | pa.Table]) -> dict[str, Path]:
    """Files that are indexed and looked at."""
    with indexed(folder) as one:
        paths = {name: write(one.root / name, rows) for name, rows in files.items()}
        one.settle()
        one.pipeline.scan_checks.finish()
    return paths


def view(folder: Path) -> str:
    """The statement of the view in which DuckDB reads what it may."""
    with duckdb.connect(str(folder / "catalog.duckdb"), read_only=True) as connection:
        covered = CoveredFiles.find(connection, Window())
        return otel_spans(covered.files, covered.scannable())


def test_files_of_one_schema_are_one_scan_without_a_join(tmp_path: Path) -> None:
    looked_at(tmp_path, {f"{n}.parquet": spans(2, trace=n) for n in range(1, 4)})
    text = view(tmp_path)
    assert text.count("read_parquet") == 1
    assert "span_metadata" not in text
    assert 'payload."attributes"::VARCHAR' in text


def test_files_with_other_events_and_nulls_are_one_scan(tmp_path: Path) -> None:
    """Only a column in which one of them has a NULL is looked at value by value."""
    event = json.dumps([{"name": "exception", "attributes": {}}])
    content = {}
    for number, events, resource in ((1, PLAIN, "{}"), (2, event, None)):
        columns = table([Span(trace=number, events=events)])
        at = columns.column_names.index("resource_attributes")
        values = pa.array([resource], pa.string())
        content[f"{number}.parquet"] = columns.set_column(at, "resource_attributes", values)
    looked_at(tmp_path, content)
    text = view(tmp_path)
    assert text.count("read_parquet") == 1
    assert 'payload."attributes"::VARCHAR AS attributes' in text
    assert 'coalesce(payload."resource_attributes"::VARCHAR' in text
    rows, _ = asked(tmp_path / "catalog.duckdb", "SELECT resource_attributes AS r FROM otel_spans")
    assert [row["r"] for row in rows] == ["{}", "{}"]


def test_maps_that_sql_shows_are_read_by_duckdb(tmp_path: Path) -> None:
    content = table(spans(2))
    at = content.column_names.index("attributes")
    maps = pa.array([[("k", "5")], None], pa.map_(pa.string(), pa.string()))
    looked_at(tmp_path, {"a.parquet": content.set_column(at, "attributes", maps)})
    assert "to_json" in view(tmp_path)
    rows, _ = asked(tmp_path / "catalog.duckdb", "SELECT attributes FROM otel_spans ORDER BY 1")
    assert [row["attributes"] for row in rows] == ['{"k":"5"}', "{}"]


def test_a_file_of_which_the_index_has_not_every_row_is_joined_with_it(tmp_path: Path) -> None:
    """Its doubles are rows of another file."""
    files = {"a.parquet": spans(2), "b.parquet": [*spans(2), Span(trace=2, attributes='{"b":1}')]}
    looked_at(tmp_path, files)
    text = view(tmp_path)
    assert text.count("read_parquet") == 2
    assert text.count("JOIN read_parquet") == 1
    rows, _ = asked(tmp_path / "catalog.duckdb", "SELECT attributes FROM otel_spans ORDER BY 1")
    assert [row["attributes"] for row in rows] == ['{"b":1}', "{}", "{}"]


def test_a_path_that_is_a_pattern_is_not_given_to_duckdb(tmp_path: Path) -> None:
    looked_at(tmp_path, {"run[1].parquet": spans(2), "it's.parquet": spans(2, trace=2)})
    text = view(tmp_path)
    assert "it''s.parquet" in text
    assert "run[1]" not in text


def test_times_are_exact_whoever_reads_the_file(tmp_path: Path) -> None:
    start = 1_795_000_000_123_456_789
    looked_at(tmp_path, {"a.parquet": [Span(start=start, duration=1)]})
    sql = "SELECT start_time_unix_nano AS s, end_time_unix_nano AS e, attributes FROM otel_spans"
    rows, _ = asked(tmp_path / "catalog.duckdb", sql)
    assert rows == [{"s": start, "e": start + 1, "attributes": "{}"}]


def test_what_the_index_does_not_hold_is_of_the_file(tmp_path: Path) -> None:
    """The end of a long name, which is not freed before it is shown; and a time that is not known."""
    names = ["x" * 5_000, "y" * 4_096, "short"]
    one, other = (
        [Span(trace=n, name=name) for n, name in enumerate(names, 1)],
        Span(trace=4, start=0),
    )
    looked_at(tmp_path, {"a.parquet": one, "b.parquet": [other, Span(trace=5, duration=-T0)]})
    catalog = tmp_path / "catalog.duckdb"
    for more in ("", ", attributes"):
        rows, _ = asked(
            catalog,
            f"SELECT name, end_time_unix_nano AS e, duration_ns AS d{more} FROM otel_spans "
            "ORDER BY trace_id",
        )
        assert [row["name"] for row in rows[:3]] == names
        assert [(row["e"], row["d"]) for row in rows[3:]] == [(1_000_000, None), (None, None)]


def test_a_file_that_is_damaged_after_it_was_looked_at_costs_only_itself(tmp_path: Path) -> None:
    """The same size and time, so that only reading it tells."""
    files = {
        name: [Span(trace=n, span=at, attributes=f'{{"of":{n}}}') for at in range(1, 200)]
        for n, name in enumerate(("a.parquet", "b.parquet"), 1)
    }
    damaged = looked_at(tmp_path, files)["a.parquet"]
    status = damaged.stat()
    content = damaged.read_bytes()
    half = len(content) // 2
    damaged.write_bytes(b"\xff" * half + content[half:])
    os.utime(damaged, ns=(status.st_atime_ns, status.st_mtime_ns))
    sql = "SELECT attributes, count(*) AS n FROM otel_spans GROUP BY 1 ORDER BY 1 NULLS LAST"
    rows, coverage = asked(tmp_path / "catalog.duckdb", sql)
    assert rows == [{"attributes": '{"of":2}', "n": 199}, {"attributes": None, "n": 199}]
    assert coverage is not None
    assert [one.file_path for one in coverage.missing] == [str(damaged)]


def test_patches_are_looked_for_where_the_event_is(tmp_path: Path) -> None:
    """A file without it is not opened; it may be gone."""
    other = json.dumps([{"name": "exception", "attributes": {}}])
    files = {
        "a.parquet": [Span(trace=1, events=PATCHED)],
        "b.parquet": [Span(trace=2, events=other), Span(trace=3)],
    }
    gone = looked_at(tmp_path, files)["b.parquet"]
    gone.unlink()
    catalog = tmp_path / "catalog.duckdb"
    rows, coverage = asked(catalog, "SELECT trace_id[32:] AS t FROM state_patches")
    assert rows == [{"t": "1"}]
    assert coverage is not None
    assert (coverage.files, coverage.missing) == (2, ())
