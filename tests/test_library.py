"""``indexer.connect()``: OTLP files and the index in one connection."""

import sys

import duckdb
import pytest

import indexer
from indexer.errors import CatalogUnreadable, QueryRefused
from indexer.index.reindex import run_once
from indexer.library import Connection
from indexer.settings import load_settings
from indexer.system.clock import SystemClock
from tests.support.otlp_samples import FOLDER
from tests.support.span_files import spans, write

pytestmark = pytest.mark.duckdb
TRACES = str(FOLDER / "traces_simple.jsonl")


@pytest.fixture
def pointer(tmp_path):
    """A catalog of one file with three spans."""
    write(tmp_path / "spans" / "a.parquet", spans(3, trace=1))
    settings = load_settings(
        JUNJO_SPAN_STORAGE_PATH=tmp_path / "spans",
        JUNJO_DUCKDB_PATH=tmp_path / "index.duckdb",
        INDEXER_SETTLE_SECONDS=0.1,
    )
    run_once(settings, SystemClock(), lambda: False, lambda _pipeline: None)
    return tmp_path / "index.duckdb"


def test_otlp_files_are_read_where_there_is_no_index(tmp_path, monkeypatch):
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "none.duckdb"))
    with indexer.connect() as connection:
        found = connection.execute("SELECT count(*) FROM read_otlp_traces(?)", [TRACES])
        assert found.fetchone() == (3,)
        assert isinstance(connection.duckdb, duckdb.DuckDBPyConnection)


def test_the_index_of_the_settings_is_there_with_its_views(pointer, monkeypatch):
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(pointer))
    with indexer.connect() as connection:
        sql = "SELECT (SELECT count(*) FROM otel_spans), (SELECT count(*) FROM span_metadata)"
        assert connection.execute(sql).fetchone() == (3, 3)


def test_files_and_the_index_are_joined_and_tables_are_made_beside(pointer):
    with indexer.connect(pointer) as connection:
        connection.execute("CREATE TABLE mine AS FROM read_otlp_traces(?)", [TRACES])
        sql = "SELECT name FROM mine UNION ALL SELECT name FROM spans"
        assert connection.arrow(sql).num_rows == 6
        one = connection.arrow("SELECT * FROM mine WHERE name = ?", ["publish"])
        assert one.num_rows == 1
        assert connection.sql("SELECT count(*) FROM mine").fetchall() == [(3,)]


@pytest.mark.parametrize(("method", "package"), [("df", "pandas"), ("pl", "polars")])
def test_all_rows_are_a_data_frame_where_its_package_is_installed(method, package):
    pytest.importorskip(package)
    with Connection() as connection:
        frame = getattr(connection, method)("FROM read_otlp_traces(?)", [TRACES])
        assert len(frame) == 3
        assert "trace_id" in frame.columns


@pytest.mark.parametrize(("method", "package"), [("df", "pandas"), ("pl", "polars")])
def test_a_data_frame_without_its_package_is_refused_with_what_to_install(
    method, package, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    with Connection() as connection, pytest.raises(QueryRefused) as refused:
        getattr(connection, method)("SELECT 1")
    assert package in refused.value.message
    assert f"pip install {package}" in refused.value.advice


def test_a_worker_that_has_the_catalog_leaves_otlp_files_alone(pointer, monkeypatch):
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(pointer))
    monkeypatch.setattr("indexer.library._is_free", lambda _path, **_options: False)
    with indexer.connect() as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("FROM otel_spans")


def test_a_catalog_that_is_named_has_to_be_there(tmp_path):
    with pytest.raises(CatalogUnreadable, match="no catalog at"):
        indexer.connect(tmp_path / "none.duckdb")


def test_a_url_of_a_worker_is_refused_and_says_why():
    with pytest.raises(QueryRefused, match="cannot be queried in SQL"):
        indexer.connect("http://127.0.0.1:8321")


def test_a_closed_connection_stays_closed(pointer):
    with indexer.connect(pointer) as connection:
        pass
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("SELECT 1")
