"""`sql` gives everything of the index to a reader and nothing to anybody else.

One SELECT, on a copy, over exactly the files of the index: in four forms, with a window, and
without a way to write, to read another file, or to run something that is no SELECT.
"""

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.processes import Site
from tests.support.span_files import Span, write

pytestmark = [pytest.mark.duckdb, pytest.mark.process]

DAY_NS = 86_400_000_000_000
FIRST_NS = 1_795_000_000_123_456_789
"""2026-11-18T11:06:40.123456789Z."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A catalog without a worker: three files, one a day."""
    site = Site(tmp_path_factory.mktemp("sql"))
    for day in range(3):
        rows = [
            Span(
                trace=day + 1,
                span=n + 1,
                start=FIRST_NS + day * DAY_NS,
                duration=n,
                attributes=f'{{"n":{n}}}',
            )
            for n in range(2)
        ]
        site.write(f"day={day}/spans.parquet", rows)
    assert site.call("--once").code == 0
    return site


def test_a_table_for_people(site: Site) -> None:
    """Names above, a row a line, NULL as nothing, times in full and in UTC."""
    query = "SELECT min(start_time) AS at, NULL AS none, 7 AS n FROM span_metadata"
    done = site.call("sql", query)
    assert done.code == 0
    header, row = done.out.splitlines()
    assert header.split() == ["at", "none", "n"]
    assert row.split() == ["2026-11-18T11:06:40.123456+00:00", "7"]


def test_a_plan_is_drawn_in_lines(site: Site) -> None:
    """Boxes, whose corners are of the release of DuckDB."""
    head, first, *_ = site.call("sql", "EXPLAIN SELECT 1").out.splitlines()
    assert head == "physical_plan"
    assert first.startswith(("  ┌─", "  ╭─"))


@pytest.mark.parametrize("form", ["table", "csv"])
def test_columns_of_one_name_are_two_columns(site: Site, form: str) -> None:
    """A join of two tables with the same column shows both values."""
    done = site.call("sql", "SELECT 1 AS a, 2 AS a", "--format", form)
    assert done.code == 0
    assert done.out.splitlines()[1].replace(",", " ").split() == ["1", "2"]


def test_json(site: Site) -> None:
    """Rows that any JSON parser reads, and what they lack; a sum is a number, an end is a time."""
    done = site.call(
        "sql",
        "SELECT sum(span_count) AS spans, avg(span_count) AS mean, max(max_time) AS latest, "
        "[1, 2] AS list, NULL AS none, 'Zoë' AS name FROM parquet_files",
        "--json",
    )
    assert json.loads(done.out, parse_constant=pytest.fail) == {
        "rows": [
            {
                "spans": 6,
                "mean": 2.0,
                "latest": "2026-11-20T11:06:40.123456+00:00",
                "list": [1, 2],
                "none": None,
                "name": "Zoë",
            }
        ],
        "as_of": None,
        "complete": True,
        "missing": [],
    }


def test_csv(site: Site) -> None:
    """Every table as CSV, also one with a column of lists."""
    done = site.call("sql", "SELECT * FROM parquet_files ORDER BY file_path", "--format", "csv")
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["relative_path"] for row in rows] == [f"day={n}/spans.parquet" for n in range(3)]
    assert [row["span_count"] for row in rows] == ["2", "2", "2"]


def test_parquet(site: Site, tmp_path: Path) -> None:
    """Types survive; without a file to write to it is refused."""
    output = tmp_path / "out.parquet"
    query = "SELECT start_time_unix_nano, start_time, attributes FROM otel_spans ORDER BY ALL"
    done = site.call("sql", query, "--format", "parquet", "--output", str(output))
    assert done.code == 0, done.err
    table = pq.read_table(output)
    assert table["start_time_unix_nano"].to_pylist()[0] == FIRST_NS
    assert str(table.schema.field("start_time").type) == "timestamp[us, tz=UTC]"
    refused = site.call("sql", query, "--format", "parquet")
    assert refused.code == 2
    assert "--output" in refused.err


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_output_file(site: Site, tmp_path: Path, form: str) -> None:
    """The same bytes as on standard output."""
    output = tmp_path / "out"
    query = "SELECT span_id, name FROM span_metadata ORDER BY ALL"
    assert site.call("sql", query, "--format", form, "--output", str(output)).out == ""
    assert output.read_text() == site.call("sql", query, "--format", form).out


@pytest.mark.parametrize("form", ["table", "parquet"])
def test_an_output_that_cannot_be_written(site: Site, tmp_path: Path, form: str) -> None:
    """A line that names the file, and exit 1 or 2; no traceback."""
    output = tmp_path / "missing" / "out"
    done = site.call("sql", "SELECT 1 AS one", "--format", form, "--output", str(output))
    assert done.code in (1, 2)
    assert done.err.splitlines()[0].startswith("error: ")
    assert str(output) in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO services VALUES ('x', now(), now(), 1)",
        "COPY (SELECT 1) TO '{outside}'",
        "SELECT 1; DELETE FROM services",
        "ATTACH '{outside}' AS other",
        "EXPORT DATABASE '{outside}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{outside}'",
        "PRAGMA threads=8",
        "SET enable_external_access = true",
        "SELEC 1",
    ],
)
def test_what_is_not_one_select_is_refused(site: Site, tmp_path: Path, query: str) -> None:
    """Exit 2 and a reason; nothing happened."""
    outside = tmp_path / "outside"
    done = site.call("sql", query.format(outside=outside))
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.out == ""
    assert "Traceback" not in done.err
    assert not outside.exists()


@pytest.mark.parametrize(
    "source",
    [
        "read_text('/etc/hostname')",
        "read_csv('/etc/hostname')",
        "read_parquet('{outside}')",
        "read_text('/etc/hostname'), otel_spans",
        "read_parquet('{outside}'), otel_spans",
    ],
)
def test_no_file_outside_the_index_can_be_read(site: Site, tmp_path: Path, source: str) -> None:
    """Not even while the view opens the door to the files of the index."""
    outside = write(tmp_path / "outside.parquet", [Span()])
    done = site.call("sql", f"SELECT count(*) FROM {source.format(outside=outside)}")
    assert done.code == 2, done.out
    assert done.out == ""


def test_otel_spans_has_payload_and_exact_nanoseconds(site: Site) -> None:
    """What Parquet keeps beyond the microsecond is there, and what the index never read."""
    done = site.call(
        "sql",
        "SELECT start_time_unix_nano, end_time_unix_nano, attributes ->> '$.n' AS n, file_path "
        "FROM otel_spans WHERE trace_id LIKE '%1' ORDER BY span_id",
        "--json",
    )
    path = str(site.root / "day=0" / "spans.parquet")
    assert done.json["rows"] == [
        {
            "start_time_unix_nano": FIRST_NS,
            "end_time_unix_nano": FIRST_NS + n,
            "n": str(n),
            "file_path": path,
        }
        for n in range(2)
    ]


@pytest.mark.parametrize(
    ("window", "traces"),
    [
        (["--since", "2026-11-19"], [2, 3]),
        (["--until", "2026-11-19T00:00:00Z"], [1]),
        (["--since", "2026-11-19T12:00:00+01:00", "--until", "2026-11-20"], [2]),
        (["--since", "2030-01-01"], []),
        (["--since", "2026-11-20T11:06:40.123456790Z"], [3]),
        (["--since", "2026-11-20T11:06:40.123456791Z"], []),
        (["--until", "2026-11-18T11:06:40.123456790Z"], [1]),
        (["--until", str(FIRST_NS)], []),
        (["--max-files", "2"], [2, 3]),
    ],
    ids=str,
)
def test_a_window_chooses_the_files(site: Site, window: list[str], traces: list[int]) -> None:
    """`otel_spans` covers files with spans in [since, until), the newest first."""
    query = "SELECT DISTINCT trace_id FROM otel_spans ORDER BY ALL"
    done = site.call("sql", query, "--json", *window)
    assert [int(row["trace_id"], 16) for row in done.json["rows"]] == traces
    assert done.err == ""
    limited = "--max-files" in window
    assert [one["error_type"] for one in done.json["missing"]] == ["FilesNotRead"] * limited
    said = "incomplete: FilesNotRead: otel_spans covers the newest 2 of 3 files\n"
    assert site.call("sql", query, *window).err == said * limited


def test_what_was_read_is_looked_at_for_the_next_question(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the user's own folder, and with the same answer."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    query = "SELECT attributes FROM otel_spans ORDER BY ALL"
    first = site.call("sql", query, "--format", "csv")
    (remembered,) = tmp_path.glob("*/seen-*.json")
    assert json.loads(remembered.read_bytes())["files"]
    assert site.call("sql", query, "--format", "csv") == first


@pytest.mark.parametrize("arguments", [["--since", "yesterday"], ["--max-files", "0"]], ids=str)
def test_a_window_that_is_none(site: Site, arguments: list[str]) -> None:
    """Exit 2, and the word that was not understood."""
    done = site.call("sql", "SELECT 1", *arguments)
    assert done.code == 2
    assert arguments[1] in done.err or arguments[0] in done.err
    assert "Traceback" not in done.err


@pytest.fixture(autouse=True)
def _nothing_changed(site: Site) -> Iterator[None]:
    """No query of this module touches the catalog's file or the folder it is in."""
    before = _state(site)
    yield
    assert _state(site) == before


def _state(site: Site) -> list[tuple[str, int, int]]:
    paths = sorted(path for path in site.pointer.parent.rglob("*") if path.is_file())
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
