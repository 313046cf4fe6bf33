"""OTLP files that are converted are in the index, and logs and metrics are beside it."""

import pyarrow.parquet as pq
import pytest

from indexer.catalog.database import Catalog
from indexer.catalog.generations import Generations
from indexer.cli.main import main
from indexer.errors import NotOtlp
from indexer.index.reindex import run_once
from indexer.otlp.rows.schemas import TABLES
from indexer.run.conversion import convert_file
from indexer.settings import load_settings
from indexer.system.clock import SystemClock
from tests.support.otlp_samples import FOLDER

NAMES = ["traces_simple.jsonl", "logs_simple.binpb", "metrics_simple.jsonl"]


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))


def test_the_index_takes_converted_spans_in(tmp_path):
    for name in NAMES:
        convert_file(str(FOLDER / name), tmp_path)
    settings = load_settings(
        JUNJO_SPAN_STORAGE_PATH=tmp_path / "spans",
        JUNJO_DUCKDB_PATH=tmp_path / "index.duckdb",
        INDEXER_SETTLE_SECONDS=0.1,
    )
    run_once(settings, SystemClock(), lambda: False, lambda _pipeline: None)
    catalog = Catalog.open(Generations(tmp_path / "index.duckdb").current(), read_only=True)
    sql = "SELECT name, service_name, start_time_unix_nano % 1000 FROM span_metadata ORDER BY name"
    assert catalog.connection.execute(sql).fetchall() == [
        ("GET /users", "test-service", 1),
        ("SELECT users", "test-service", 0),
        ("publish", "test-service", 0),
    ]
    assert catalog.connection.execute("SELECT count(*) FROM quarantined_files").fetchone() == (0,)
    catalog.close()


def test_logs_and_metrics_have_the_columns_of_their_tables(tmp_path):
    done = [convert_file(str(FOLDER / name), tmp_path) for name in NAMES]
    assert [one.rows for one in done] == [
        {"traces": 3},
        {"logs": 2},
        {"gauge": 1, "sum": 2, "histogram": 1, "exp_histogram": 1, "summary": 1},
    ]
    (logs,) = (tmp_path / "logs").iterdir()
    assert pq.read_schema(logs).equals(TABLES["logs"].schema)
    for kind in ("gauge", "sum", "histogram", "exp_histogram", "summary"):
        (path,) = (tmp_path / "metrics" / kind).iterdir()
        assert pq.read_table(path).schema.equals(TABLES[kind].schema)


def test_converting_again_replaces_what_was_there(tmp_path):
    for _ in range(2):
        for name in NAMES:
            convert_file(str(FOLDER / name), tmp_path)
    assert len(files(tmp_path / "spans")) == 1
    assert len(files(tmp_path / "logs")) == 1


def test_a_file_of_something_else_leaves_nothing(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(NotOtlp):
        convert_file(str(tmp_path / "a.csv"), tmp_path / "out")
    assert files(tmp_path / "out") == []


def test_the_command_goes_on_past_a_file_that_cannot_be_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JUNJO_SPAN_STORAGE_PATH", str(tmp_path / "spans"))
    names = [str(FOLDER / "malformed.jsonl"), str(tmp_path / "none"), str(FOLDER / NAMES[1])]
    assert main(["convert", *names, "--to", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "File not found" in said.err
    assert "skipped 3 malformed records" in said.err
    assert len(files(tmp_path / "logs")) == 1


def test_logs_never_lie_below_the_span_root(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JUNJO_SPAN_STORAGE_PATH", str(tmp_path))
    assert main(["convert", str(FOLDER / NAMES[1]), "--to", str(tmp_path / "more")]) == 2
    assert "would lie in the span storage" in capsys.readouterr().err
    assert files(tmp_path) == []
