"""A log line is one event, whatever is in its message; JSON keeps messages exact."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.telemetry.log import (
    HTTP_FAILED,
    LOGGER,
    JsonFormatter,
    TextFormatter,
    configure,
    log_fault,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))
HOSTILE = "\x1b[31mred\x07\r\n12:00:00.000 error   faked \u202e[bold]\x9b\x00"
EVENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ info    ")


def record(message: str, fault: Exception | None = None) -> logging.LogRecord:
    info: Any = None
    if fault is not None:
        try:
            raise fault
        except type(fault) as error:
            info = (type(error), error, error.__traceback__)
    return logging.LogRecord("indexer", logging.INFO, "", 0, message, None, info)


@settings(deadline=None)
@given(ANY_TEXT)
def test_a_message_is_one_line(message: str) -> None:
    line = TextFormatter().format(record(message))
    assert EVENT.match(line)
    assert line.isprintable() or not message.isprintable()
    assert len(line.splitlines()) == 1


def test_a_traceback_keeps_its_lines_and_no_line_of_it_is_an_event() -> None:
    """Neither its message nor its notes begin a line where an event begins."""
    first, *rest = TextFormatter().format(record("failed", ValueError(HOSTILE))).split("\n")
    assert EVENT.sub("", first) == "failed"
    assert rest[0] == "  Traceback (most recent call last):"
    assert all(line.startswith("  ") for line in rest)
    assert not any(re.match(r"\s*$", line) for line in rest)
    assert r"ValueError: \x1b[31mred\x07\r" in rest[-2]
    assert rest[-1].startswith("  12:00:00.000 error")


@settings(deadline=None)
@given(ANY_TEXT)
def test_json_has_the_message_as_it_is(message: str) -> None:
    line = JsonFormatter().format(record(message))
    assert json.loads(line)["message"] == message
    assert line.isascii()
    assert "\n" not in line


@pytest.fixture
def rich_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The log as a terminal gets it."""
    before = LOGGER.handlers, LOGGER.level, LOGGER.propagate
    monkeypatch.setenv("COLUMNS", "200")
    configure("rich", "info")
    yield
    LOGGER.handlers, LOGGER.propagate = before[0], before[2]
    LOGGER.setLevel(before[1])


@pytest.mark.usefixtures("rich_log")
def test_a_terminal_gets_it_escaped_too(capsys: pytest.CaptureFixture[str]) -> None:
    LOGGER.info("%s", HOSTILE)
    (line,) = capsys.readouterr().err.splitlines()
    assert r"\x1b[31mred\x07\r\n12:00:00.000 error   faked \u202e[bold]\x9b\x00" in line
    log_fault(HTTP_FAILED, "failed", ValueError(HOSTILE))
    assert "\x1b" not in capsys.readouterr().err
