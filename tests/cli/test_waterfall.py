"""A waterfall is bounded in width and lines, says what it left out, and needs no colour."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len

from indexer.cli.waterfall import waterfall
from tests.cli.test_render import Terminal, printed, rows_of, trace


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_an_error_is_marked_by_a_word(stream, monkeypatch):
    out = printed(lambda: waterfall(trace("root", "failed", "fine")), monkeypatch, on=stream())
    _, root, failed, fine, _ = rows_of(out)
    assert "  ERROR  " in failed
    assert "ERROR" not in root + fine


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_chain_of_6_000_spans_is_a_page_and_says_what_it_leaves_out(stream, monkeypatch):
    long = trace(*(f"level {number}" for number in range(6_000)))
    out = printed(lambda: waterfall(long, 100), monkeypatch, on=stream())
    lines = rows_of(out)
    assert len(lines) == 1 + 100 + 1 + 1
    assert len(out) < 40_000
    assert lines[-2].startswith("5,900 of 6,000 spans are left out here: --limit 6000 shows them")
    assert "(99) le" in lines[100]


def test_on_a_terminal_no_line_is_wider_than_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    deep = trace(*("a name that is rather long " * 3 for _ in range(50)))
    _, *lines, _ = rows_of(printed(lambda: waterfall(deep), monkeypatch, on=Terminal()))
    assert max(map(cell_len, lines)) <= 100


def test_a_terminal_without_block_characters_gets_others(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr("sys.stdout", out)
    waterfall(trace("root", "child"))
    out.flush()
    assert b"####" in out.buffer.getvalue()
