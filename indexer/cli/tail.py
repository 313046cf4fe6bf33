"""``tail``: new spans that meet every option, as they are acknowledged, until Ctrl-C."""

import argparse
import json
import sys
from typing import Any

from indexer.cli import render
from indexer.cli.human_values import STATUSES, duration_text, instant_text
from indexer.cli.search import words_of
from indexer.cli.source import Source
from indexer.errors import QueryRefused
from indexer.settings import Settings
from indexer.system.terminal_text import escape_json


def tail(settings: Settings, options: argparse.Namespace) -> int:
    """A line a span; what was dropped or cannot be looked into on standard error."""
    try:
        for name, value in Source(settings).follow("/api/v1/tail", **words_of(options)):
            _show(name, value, as_json=options.json)
    except KeyboardInterrupt:
        return 0
    except QueryRefused:
        _check(options)
        raise
    return 0


def _check(options: argparse.Namespace) -> None:
    """Raise QueryRefused with the option that cannot be, if one is what the worker refused."""
    from indexer.cli.option_words import given_words  # noqa: PLC0415 - the worker checks them itself

    given_words(options).query()


def _show(name: str, value: dict[str, Any], *, as_json: bool) -> None:
    if name == "span":
        text = json.dumps(value, ensure_ascii=False)
        line = escape_json(text) if as_json else span_line(value)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    elif name == "missing":
        render.lacks([value])
    elif name == "dropped":
        sys.stderr.write(f"dropped: {value['events']:,} events came faster than they were read\n")
    elif name == "end":
        sys.stderr.write(f"end: {value['reason']}\n")


def span_line(span: dict[str, Any]) -> str:
    """A span as one line, the time it started first; what the service sent as text is last."""
    duration_ns = span["duration_ns"]
    length = "?" if duration_ns is None else duration_text(duration_ns)
    code = span["status_code"]
    status = STATUSES[code] if code in range(len(STATUSES)) else str(code)
    texts = [render.line_text(span[name]) for name in ("trace_id", "service_name", "name")]
    return "  ".join(
        [instant_text(span["start_time_unix_nano"]), f"{length:>12}", f"{status:5}", *texts]
    )
