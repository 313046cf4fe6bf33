"""How commands look on a real terminal, and that Ctrl-C there ends each of them cleanly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.processes import Site, wait_until
from tests.support.span_files import Span, parquet_bytes, spans
from tests.support.terminal import COLUMNS, CTRL_C, Terminal

pytestmark = [pytest.mark.duckdb, pytest.mark.process]

TRACE = f"{0xABCDEF:032x}"
EACH = """
import json, sys
from indexer.cli.main import main
for arguments in json.loads(sys.argv[1]):
    sys.stdout.write("$ " + arguments[0] + "\\n")
    main(arguments)
"""
"""Several commands in one process, whose start takes longer than any of them."""
ENDLESS = "SELECT repeat('x', 20000) AS text FROM range(1000000000)"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("terminal"))
    attributes = '{"error.type":"timeout","text":"' + "x" * 500 + '"}'
    chain = [
        Span(
            trace=0xABCDEF, span=n, parent=n - 1 or None, name=f"a rather long name of step {n}" * 2
        )
        for n in range(1, 9)
    ]
    failed = Span(trace=0xABCDEF, span=9, parent=1, status=2, attributes=attributes, name="failed")
    site.write("a.parquet", [*chain, failed])
    site.set(INDEXER_PROMOTED_ATTRIBUTES="error.type")
    assert site.call("--once").code == 0
    yield site
    site.close()


@pytest.fixture(scope="module")
def looks(site: Site) -> dict[str, Terminal | list[str]]:
    """What each command writes, line by line, by its name."""
    asked = [
        ["trace", TRACE[:30]],
        ["sql", "SELECT * FROM otel_spans LIMIT 1"],
        ["spans", "error.type=timeout"],
        ["files"],
        ["services"],
    ]
    terminal = Terminal(json.dumps(asked), env=site.env, program=EACH)
    try:
        assert terminal.wait() == 0, terminal.raw
        parts = "\n".join(terminal.lines).split("$ ")[1:]
        found: dict[str, Terminal | list[str]] = {"all": terminal}
        for (name, *_), part in zip(asked, parts, strict=True):
            found[name] = [line for line in part.split("\n")[1:] if line]
        yield found
    finally:
        terminal.close()


def test_no_line_is_wider_than_the_terminal(looks) -> None:
    for name, lines in looks.items():
        if name != "all":
            rows = lines[name == "trace" :]  # above a trace are its facts, at any width
            assert max(map(cell_len, rows)) <= COLUMNS, name


def test_a_waterfall_has_a_line_a_span_bars_colours_and_a_word_for_errors(looks) -> None:
    first, *rows, last = looks["trace"]
    assert first.startswith(f"trace {TRACE}  9 spans")
    assert len(rows) == 9
    assert all("█" in row for row in rows)
    assert next(row for row in rows if "  ERROR  " in row).lstrip().startswith("failed")
    assert "\x1b[31m" in looks["all"].raw
    assert last.startswith("1 file read, ")


def test_a_row_of_many_columns_is_a_record_with_whole_ids(looks) -> None:
    first, *rows = looks["sql"]
    assert first == "1."
    values = dict(row.split(maxsplit=1) for row in rows if len(row.split(maxsplit=1)) == 2)
    assert values["trace_id"] == TRACE
    assert len(values["span_id"]) == 16
    assert len(rows) < 50


def test_spans_are_a_table_with_whole_ids_or_records(looks) -> None:
    text = "\n".join(looks["spans"])
    assert TRACE in text
    assert "timeout" in text
    assert "ERROR" in text


def test_ctrl_c_in_a_one_shot_run_finishes_the_transaction_and_says_so(tmp_path: Path) -> None:
    """The bar stands below the log, whose lines are whole."""
    site = Site(tmp_path)
    site.set(INDEXER_BATCH_SIZE=1)
    content = parquet_bytes(spans(3))
    for number in range(300):
        (site.root / f"{number}.parquet").write_bytes(content)
    terminal = Terminal("--once", env=site.env)
    try:
        wait_until(lambda: "indexing" in terminal.raw and " files" in terminal.raw, "a bar")
        terminal.press(CTRL_C)
        assert terminal.wait() == 1, terminal.raw
    finally:
        terminal.close()
        site.close()
    assert "stopping: finishing the transaction in hand" in "\n".join(terminal.lines)
    assert "Traceback" not in terminal.raw
    assert re.search(r"\d+/\d+ files", terminal.raw)


def test_ctrl_c_in_sql_ends_it_and_leaves_no_file(site: Site, tmp_path: Path) -> None:
    """Inside DuckDB, which has not given one row yet, or while its rows are written."""
    terminal = Terminal("sql", ENDLESS, "--output", str(tmp_path / "out.csv"), env=site.env)
    try:
        wait_until(lambda: list(tmp_path.iterdir()), lambda: f"a file: {terminal.raw}")
        terminal.press(CTRL_C)
        assert terminal.wait() == 1, terminal.raw
    finally:
        terminal.close()
    assert terminal.lines[-2:] == ["interrupted", ""]
    assert "Traceback" not in terminal.raw
    assert list(tmp_path.iterdir()) == []
