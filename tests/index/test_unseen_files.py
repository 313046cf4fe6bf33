"""The first question over files that nobody has looked at makes the next ones quick."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from indexer.index.unseen_files import look_at_unseen
from indexer.query.payload_functions import UnseenFiles
from indexer.query.span_views import CoveredFiles
from indexer.query.sql import open_session, select
from indexer.query.sql_scope import Window
from indexer.spans.file_scan import UNSCANNED
from tests.support.catalogs import indexed
from tests.support.span_files import Span, spans, write

pytestmark = pytest.mark.duckdb

ATTRIBUTES = "SELECT attributes FROM otel_spans ORDER BY 1"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def asked(catalog: Path, sql: str) -> tuple[list[str], UnseenFiles]:
    session = open_session(catalog, memory_limit="256MiB", threads=1)
    try:
        table, coverage = select(session, sql, Window(), catalog=catalog)
    finally:
        session.close()
    assert coverage is not None
    assert coverage.unseen is not None
    return [row["attributes"] for row in table.to_pylist()], coverage.unseen


def scannable(catalog: Path) -> int:
    session = open_session(catalog, memory_limit="256MiB", threads=1)
    try:
        return len(CoveredFiles.find(session, Window(), catalog=catalog).scannable())
    finally:
        session.close()


def test_files_that_were_read_are_looked_at_after_the_answer(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.duckdb"
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(20, attributes='{"a":1}'))
        write(one.root / "b.parquet", spans(20, trace=2, attributes='{"b":2}'))
        one.settle()
    first, unseen = asked(catalog, ATTRIBUTES)
    assert (len(unseen.files), scannable(catalog)) == (2, 0)
    unseen.seconds = 60.0
    look_at_unseen(catalog, unseen)
    assert scannable(catalog) == 2
    second, unseen = asked(catalog, ATTRIBUTES)
    assert (second, unseen.files) == (first, {})


def test_what_was_seen_is_of_a_file_with_that_footer(tmp_path: Path) -> None:
    """A file that takes its name or its number was not looked at."""
    catalog = tmp_path / "catalog.duckdb"
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(20))
        one.settle()
    _, unseen = asked(catalog, ATTRIBUTES)
    look_at_unseen(catalog, unseen)
    assert scannable(catalog) == 1
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(attributes='{"k":1,"k":2}')])
        one.settle()
    assert scannable(catalog) == 0
    assert asked(catalog, ATTRIBUTES)[0] == ['{"k":2}']


def test_a_question_of_few_rows_has_nothing_looked_at(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.duckdb"
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(200))
        one.settle()
    sql = "SELECT attributes FROM otel_spans WHERE span_id = '0000000000000001'"
    assert asked(catalog, sql)[1].files == {}


def test_no_more_is_looked_at_than_was_read(tmp_path: Path) -> None:
    """The time of the answer bounds that of the look; the newest file goes first."""
    catalog = tmp_path / "catalog.duckdb"
    with indexed(tmp_path) as one:
        for number in (1, 2):
            write(one.root / f"{number}.parquet", spans(20, trace=number))
            one.settle()
    _, unseen = asked(catalog, ATTRIBUTES)
    unseen.seconds = 0.0
    look_at_unseen(catalog, unseen)
    assert scannable(catalog) == 1
    session = open_session(catalog, memory_limit="256MiB", threads=1)
    files = CoveredFiles.find(session, Window(), catalog=catalog).files
    session.close()
    assert files[max(files)].scan != UNSCANNED
