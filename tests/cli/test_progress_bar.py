"""A bar knows its total or says that it grows, and log lines stand above it, whole."""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console

from indexer.cli import progress_bar
from indexer.cli.progress_bar import Bar
from indexer.telemetry.log import LOGGER, PROGRESS, configure, log
from tests.cli.test_render import Terminal


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Standard error as a terminal of 100 columns; the log's handlers are put back."""
    terminal = Terminal()
    handlers, level = LOGGER.handlers, LOGGER.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", terminal)
        patch.setenv("COLUMNS", "100")
        patch.setenv("TERM", "xterm")
        yield terminal
    LOGGER.handlers = handlers
    LOGGER.setLevel(level)


def lines(terminal: io.StringIO) -> list[str]:
    """What was written, without colours and movements of the cursor."""
    return (
        re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue()).replace("\r", "\n").split("\n")
    )


def test_a_total_that_is_not_known_is_no_share_and_one_that_grows_says_so():
    with terminal() as shown, Bar("files") as bar:
        bar.show("listing", 0, 0)
        bar.show("indexing", 10, 200, "5 spans/s")
        bar.show("indexing", 20, 210, "6 spans/s")
    last = lines(shown)[-2]
    assert last.startswith("indexing ")
    assert "20/210 files, 10 came since" in last
    assert "6 spans/s" in last
    assert "left" in last


@pytest.mark.parametrize("style", ["auto", "text", "json", "rich"])
def test_log_lines_survive_a_bar_and_the_bar_survives_them(style):
    with terminal() as written:
        configure(style, "info")
        with Bar("files") as bar:
            bar.show("indexing", 1, 2)
            log(PROGRESS, "the first line")
            bar.show("indexing", 2, 2)
            log(PROGRESS, "the last line")
    shown = lines(written)
    for text in ("the first line", "the last line"):
        (line,) = [line for line in shown if text in line]
        assert "indexing" not in line
    assert "2/2 files" in shown[-2]


def test_a_bar_uses_the_console_of_the_log():
    with terminal():
        configure("rich", "info")
        (handler,) = LOGGER.handlers
        assert progress_bar.error_console() is handler.console
        LOGGER.handlers = [logging.NullHandler()]
        assert isinstance(progress_bar.error_console(), Console)


def test_standard_error_is_looked_up_when_a_line_is_written(monkeypatch):
    with terminal():
        configure("text", "info")
        elsewhere = io.StringIO()
        monkeypatch.setattr(sys, "stderr", elsewhere)
        log(PROGRESS, "hello")
    assert elsewhere.getvalue().endswith("info    hello\n")
