"""What `sql --format parquet` writes of ``otel_spans`` is a file of the same spans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.query.sql import Window, open_session, select
from indexer.read.normalise import JSON_COLUMNS
from tests.support.catalogs import indexed
from tests.support.dialect_files import LAYOUTS, Event, Link, OtelSpan
from tests.support.export_files import EXPORTS
from tests.support.file_spans import spans_of

pytestmark = pytest.mark.duckdb

T0 = 1_795_000_000_000_000_000


def span(number: int) -> OtelSpan:
    return OtelSpan(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        parent_span_id=None if number % 2 else "c" * 16,
        service="shop",
        name=f"op {number}",
        start=T0 + number * 1_000_000,
        duration=number * 1_000_000,
        kind=number % 6,
        status=number % 3,
        message=None if number % 2 else "late",
        attributes={"k": "é", "n": "5"},
        resource={"service.name": "shop"},
        events=(Event(name="e", at=T0, attributes={"a": "b"}),) * (number % 2),
        links=(Link(trace_id="ab" * 16, span_id="cd" * 8, state="x=1"),) * (number % 2),
    )


def rows(folder: Path) -> pa.Table:
    session = open_session(folder / "catalog.duckdb", memory_limit="256MiB", threads=1)
    try:
        table, _ = select(session, "SELECT * FROM otel_spans ORDER BY trace_id", Window())
    finally:
        session.close()
    return table


def exported(folder: Path, layouts: list[tuple[str, int, Any]]) -> pa.Table:
    """``otel_spans`` over one file of each layout."""
    folder.mkdir()
    with indexed(folder) as one:
        for at, (_, _, write) in enumerate(layouts):
            pq.write_table(write([span(at + 1)]), one.root / f"{at}.parquet")
        one.settle()
        assert one.rows("SELECT file_path, error_message FROM quarantined_files") == []
    return rows(folder)


def as_spans(table: pa.Table) -> list[dict[str, Any]]:
    spans = table.to_pylist()
    for one in spans:
        one |= {name: json.loads(one[name]) for name in JSON_COLUMNS if one[name] is not None}
    return spans


def test_the_same_spans_come_out_of_it_again(tmp_path: Path) -> None:
    """Of files of every dialect: exact times, nulls, kinds and payload."""
    layouts: list[tuple[str, int, Any]] = list({**LAYOUTS, **EXPORTS}.values())
    first = exported(tmp_path / "first", layouts)
    assert first.num_rows == len(layouts)
    pq.write_table(first, tmp_path / "out.parquet")
    again = spans_of(tmp_path, "out.parquet")
    expected = as_spans(first)
    names = again[0].keys() & expected[0].keys()
    assert names >= {"kind", "duration_ns", "events", "links", "scope_name", "flags"}
    for found, right in zip(again, expected, strict=True):
        assert {name: found[name] for name in names} == {name: right[name] for name in names}


def test_its_times_are_nanoseconds_however_small(tmp_path: Path) -> None:
    """Numbers alone would be taken for milliseconds."""
    table = exported(tmp_path / "first", [LAYOUTS["duckdb-otlp"]])
    at = table.column_names.index("start_time_unix_nano")
    early = table.set_column(at, "start_time_unix_nano", pa.array([1_795_000_000_000], pa.int64()))
    pq.write_table(early, tmp_path / "a.parquet")
    (found,) = spans_of(tmp_path, "a.parquet")
    assert found["start_time_unix_nano"] == 1_795_000_000_000
