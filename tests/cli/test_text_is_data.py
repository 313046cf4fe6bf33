"""Names of spans and files that are commands for a terminal: shown escaped, kept exact for programs.

The same by the catalog alone and through a worker: what a person reads is made by the command.
"""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.spans.limits import SPAN_LIMITS
from tests.support.processes import Done, Site
from tests.support.span_files import Span

pytestmark = [pytest.mark.process]

NAMES = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;a title of the sender's choice\x07",
    "two\nlines  0.001 ms",
    "over\rwritten",
    "\u202egnihton\u202c",
    "\x9b31mC1",
    "nul\x00byte",
    "[red]markup[/red] :boom:",
)
TRACE = f"{1:032x}"
LONE = '{"half":"\\ud800","\\u009b":"\\u202e"}'
FILE = "a\x1b[2J\nfake.parquet"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("text"))
    service = "\x1b[32mgreen\x1b[0m"
    site.write(
        FILE,
        [
            Span(span=number, name=name, service=service, attributes=LONE)
            for number, name in enumerate(NAMES, 1)
        ],
    )
    (site.root / "b\x1b[2J\nroken.parquet").write_bytes(b"not Parquet at all")
    many = json.dumps({f"k{number}": 1 for number in range(SPAN_LIMITS.attributes + 7)})
    site.write("heavy.parquet", [Span(trace=2, attributes=many)])
    assert site.run("--once").code == 0
    yield site
    site.close()


def lines(done: Done) -> list[str]:
    """The lines of an output, none of which commands a terminal."""
    for text in (done.out, done.err):
        commanding = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
        assert commanding <= {"\n"}, text
    return done.out.splitlines()


def test_a_trace_is_one_line_a_span(site: Site) -> None:
    header, *rows, cost = lines(site.call("trace", TRACE))
    assert header.startswith(f"trace {TRACE}  8 spans")
    assert cost.startswith("1 file read")
    assert len(rows) == len(NAMES)
    assert r"\x1b[31mred\x1b[0m" in rows[0]
    assert r"two\nlines  0.001 ms" in rows[2]
    assert r"\u202egnihton\u202c" in rows[4]
    assert "[red]markup[/red] :boom:" in rows[7]


@pytest.mark.parametrize("command", ["files", "quarantine"])
def test_a_file_is_one_line(site: Site, command: str) -> None:
    header, *rows = lines(site.call(command))
    assert "file_path" in header
    assert len(rows) == (2 if command == "files" else 1)
    assert any(r"\x1b[2J\n" in row for row in rows)


def test_sql_is_one_line_a_row(site: Site) -> None:
    query = "SELECT span_id, name, service_name FROM span_metadata ORDER BY ALL"
    header, *rows = lines(site.call("sql", query))
    assert header.split() == ["span_id", "name", "service_name"]
    assert len(rows) == len(NAMES) + 1
    assert len(lines(site.call("status"))) > 5


def test_json_has_them_exact_and_commands_nothing(site: Site) -> None:
    """But for half a surrogate pair, which is not text: it is replaced in every answer."""
    done = site.call("trace", TRACE, "--json")
    lines(done)
    assert [span["name"] for span in done.json["spans"]] == list(NAMES)
    assert done.json["spans"][0]["attributes"] == {"half": "\ufffd", "\x9b": "\u202e"}


def test_csv_has_them_exact(site: Site, tmp_path: Path) -> None:
    query = f"SELECT name FROM span_metadata WHERE trace_id = '{TRACE}' ORDER BY span_id"
    output = tmp_path / "out.csv"
    assert site.call("sql", query, "--format", "csv", "--output", str(output)).code == 0
    with output.open(encoding="utf-8", newline="") as source:
        assert [name for (name,) in csv.reader(source, strict=True)] == ["name", *NAMES]


def test_an_error_repeats_nothing_raw(site: Site) -> None:
    for arguments in (["trace", "\x1b[31m\n"], ["spans", "\x1b[31m\nhint: faked"]):
        done = site.call(*arguments)
        assert done.code == 2
        lines(done)
        assert [line.split(":")[0] for line in done.err.splitlines()] == ["error", "hint"]
    done = site.call("sql", "SELECT '\x1b[31m' AS \"a\nhint: faked\" FROM nowhere")
    assert done.code == 2
    lines(done)
    assert sum(line.startswith("hint:") for line in done.err.splitlines()) == 1


def test_a_span_beyond_the_limits_says_so_in_one_line(site: Site) -> None:
    _, _, lack, _ = lines(site.call("trace", f"{2:032x}"))
    path = site.root / "heavy.parquet"
    assert lack == (
        "incomplete: SpanTooLarge: 1 span is beyond the limits of a span and answered in part: "
        f"without 7 attributes ({path})"
    )
    answer = site.call("trace", f"{2:032x}", "--json").json
    assert answer["spans"][0]["omitted"] == {"attributes": 7}
    assert not answer["complete"]
