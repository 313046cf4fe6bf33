"""`sql --output` writes the format of its ending, whole or not at all, and over nothing unasked."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.cli import render
from indexer.cli.output_file import output_file
from indexer.errors import QueryRefused
from indexer.query import row_stream
from tests.support.processes import Site
from tests.support.span_files import spans

pytestmark = pytest.mark.duckdb

QUERY = "SELECT span_id, name FROM span_metadata ORDER BY ALL"
ROWS = [{"span_id": f"{number:016x}", "name": "step"} for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("output"))
    site.write("a.parquet", spans(3, name="step"))
    assert site.call("--once").code == 0
    return site


def rows_in(path: Path) -> list[dict[str, str]]:
    """What is in a file, by its ending."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".arrow":
        return pa.ipc.open_file(content).read_all().to_pylist()
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(content.decode())))
    if path.suffix == ".json":
        return json.loads(content)["rows"]
    return [json.loads(line) for line in content.splitlines()]


@pytest.mark.parametrize("ending", ["json", "jsonl", "NDJSON", "csv", "parquet", "arrow"])
def test_the_ending_says_the_format(site: Site, tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"out.{ending.lower()}"
    done = site.call("sql", QUERY, "--output", str(output))
    assert (done.code, done.out, done.err) == (0, "", "")
    assert rows_in(output) == ROWS
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("out.xml", [], "the ending of {} does not say its format"),
        ("out", [], "the ending of {} does not say its format"),
        ("out.csv", ["--format", "parquet"], "--format parquet and the ending of {} are of two"),
    ],
)
def test_an_ending_that_says_no_format_or_another_is_refused(
    site: Site, tmp_path: Path, name: str, more: list[str], said: str
) -> None:
    output = tmp_path / name
    done = site.call("sql", QUERY, "--output", str(output), *more)
    assert done.code == 2
    assert said.format(output) in done.err
    assert not output.exists()


@pytest.mark.parametrize(
    "command", [["sql", QUERY], ["export", f"{1:032x}"]], ids=lambda one: one[0]
)
def test_a_file_that_is_there_is_kept_unless_it_may_be_replaced(
    site: Site, tmp_path: Path, command: list[str]
) -> None:
    output = tmp_path / "out.json"
    output.write_text("mine")
    refused = site.call(*command, "--output", str(output))
    assert refused.code == 2
    assert refused.err.startswith(f"error: {output} exists\n")
    assert "--overwrite" in refused.err
    assert output.read_text() == "mine"
    assert site.call(*command, "--output", str(output), "--overwrite").code == 0
    assert output.read_text() != "mine"


def test_a_file_that_comes_meanwhile_is_kept(tmp_path: Path) -> None:
    output = tmp_path / "out"

    def write() -> None:
        with output_file(str(output), 0o600, overwrite=False) as file:
            file.write(b"ours")
            output.write_text("theirs")

    with pytest.raises(QueryRefused, match="exists"):
        write()
    assert output.read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_overwrite_without_a_file_does_nothing_and_is_refused(site: Site) -> None:
    done = site.call("sql", QUERY, "--overwrite")
    assert done.code == 2
    assert "--overwrite does nothing without --output" in done.err


def test_a_link_stays_and_what_it_points_to_is_replaced(site: Site, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "out.csv").symlink_to("real.csv")
    assert site.call("sql", QUERY, "--output", str(tmp_path / "out.csv"), "--overwrite").code == 0
    assert (tmp_path / "out.csv").is_symlink()
    assert rows_in(tmp_path / "real.csv") == ROWS


def test_a_pipe_is_written_to_as_it_is(site: Site, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert site.call("sql", QUERY, "--output", str(pipe)).code == 0
    reader.join()
    assert list(csv.DictReader(io.StringIO(read[0]))) == ROWS


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_stays_of_a_file_that_is_interrupted(tmp_path: Path, error: type) -> None:
    def write() -> None:
        with output_file(str(tmp_path / "out"), 0o600, overwrite=False) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_rows_that_are_written_as_they_are_read_are_the_same_text(
    site: Site, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """A large answer in parts, and a table in blocks that are laid out one after the other."""
    query = "SELECT range AS n, [{'a': range}, NULL] AS list FROM range(20_000)"
    whole = site.call("sql", query, "--format", form)
    monkeypatch.setattr(row_stream, "AHEAD_BYTES", 1)
    monkeypatch.setattr(render, "TABLE_ROWS", 7_000)
    parts = site.call("sql", query, "--format", form)
    assert (parts.code, parts.err) == (0, "")
    if form == "table":
        assert [row.split() for row in parts.out.splitlines()] == [
            row.split() for row in whole.out.splitlines()
        ]
    else:
        assert parts.out == whole.out
    if form == "json":
        assert json.loads(parts.out)["rows"][19_999]["list"] == [{"a": 19_999}, None]


def test_no_rows_are_a_document_as_well(site: Site) -> None:
    done = site.call("sql", "SELECT 1 AS n WHERE false", "--json")
    assert done.json == {"rows": [], "as_of": None, "complete": True, "missing": []}
    assert site.call("sql", "SELECT 1 AS n WHERE false").out == "n\n"


def test_an_answer_that_breaks_off_leaves_no_file(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_stream, "AHEAD_BYTES", 1)
    query = "SELECT if(range < 90000, 1, error('late')) AS n FROM range(100_000)"
    done = site.call("sql", query, "--output", str(tmp_path / "out.csv"))
    assert done.code == 2
    assert "late" in done.err
    assert list(tmp_path.iterdir()) == []
