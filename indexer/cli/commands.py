"""The commands that only read: status, audit, trace, spans, sql, files, quarantine."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.cli import render
from indexer.cli.source import Source
from indexer.clients.unix_socket import path_text
from indexer.discover.listing import list_files
from indexer.errors import QueryRefused
from indexer.index import audit as audits
from indexer.query.answers import ROWS_MAX, Answers
from indexer.query.find.attribute_coverage import files_behind
from indexer.query.find.span_query import SpanQuery
from indexer.query.sql import Window, open_session, select
from indexer.query.views import FILES_MAX
from indexer.settings import Settings
from indexer.system.clock import SystemClock
from indexer.system.storage import LocalStorage
from indexer.system.terminal_text import escape_text

_SPAN_COLUMNS = (
    *("trace_id", "span_id", "parent_span_id", "service_name", "name"),
    *("start_time_unix_nano", "duration_ns", "status_code", "span_kind", "value"),
)
"""What a terminal has room for; ``--json`` has the rest."""

Rows = list[dict[str, Any]]


def status(settings: Settings, options: argparse.Namespace) -> int:
    """What the index holds and how the worker is."""
    source = Source(settings)
    found = source.status()
    if options.json:
        render.write_json(found)
    else:
        render.facts(found)
    if options.check and not source.has_worker:
        return 1
    return 0 if found["healthy"] else 1


def trace(settings: Settings, options: argparse.Namespace) -> int:
    """One trace as a waterfall; exit 1 when no span of it is known."""
    path = f"/traces/{path_text(options.trace_id)}"
    found = Source(settings).ask(path, lambda answers: answers.trace(options.trace_id))
    if options.json:
        render.write_json(found)
    else:
        render.waterfall(found)
    return 0 if found["spans"] else 1


def spans(settings: Settings, options: argparse.Namespace) -> int:
    """The newest spans with a promoted attribute; what the answer lacks on standard error."""
    key, separator, value = options.attribute.partition("=")
    query = SpanQuery(
        attribute=key,
        value=value if separator else None,
        service=options.service,
        limit=min(options.limit, ROWS_MAX),
    )
    found = Source(settings).ask(
        "/spans",
        lambda answers: answers.spans(query, payload=False),
        key=query.attribute,
        value=query.value,
        service=query.service,
        limit=query.limit,
    )
    if options.json:
        render.write_json(found)
    else:
        shown = [{name: span[name] for name in _SPAN_COLUMNS} for span in found["spans"]]
        render.listing("spans", shown)
    for lack in found["missing"]:
        sys.stderr.write(f"not complete: {escape_text(lack['detail'])}\n")
    return 0


def files(settings: Settings, options: argparse.Namespace) -> int:
    """Indexed files, newest first."""
    return _list(settings, options, "files", Answers.files)


def quarantine(settings: Settings, options: argparse.Namespace) -> int:
    """Refused files with reason and next step."""
    return _list(settings, options, "quarantine", Answers.quarantine)


def audit(settings: Settings, options: argparse.Namespace) -> int:
    """Prove the catalog against the files; exit 1 when something differs."""
    listing = list_files(LocalStorage(settings.storage_root))
    path = Source(settings).still_catalog(after_sweep=True)
    with render.steps(enabled=not options.json) as step:
        report = audits.audit(
            settings,
            path,
            SystemClock(),
            listing=listing,
            mode="fast" if options.fast else "full",
            step=step,
        )
    if options.json:
        render.write_json({**asdict(report), "passed": report.passed})
    else:
        render.audit_report(report)
    return 0 if report.passed else 1


def sql(settings: Settings, options: argparse.Namespace) -> int:
    """One read-only SELECT, on the catalog or on a snapshot of it."""
    form = options.format or ("json" if options.json else "table")
    if form == "parquet" and not options.output:
        raise QueryRefused("parquet needs --output FILE", hint="Parquet is not for a terminal.")
    path = Source(settings).still_catalog()
    window = Window(
        since=_time(options.since),
        until=_time(options.until),
        files_max=options.max_files or FILES_MAX,
    )
    session = open_session(path, memory_limit=settings.memory_limit, threads=settings.threads)
    try:
        table, coverage = select(session, options.query, window)
        behind = files_behind(session) if "span_attributes" in options.query.lower() else 0
    finally:
        session.close()
    if behind:
        sys.stderr.write(f"span_attributes lacks some attributes of {behind} files\n")
    if coverage is not None and coverage.files < coverage.matching:
        sys.stderr.write(
            f"{_covers(coverage.views)} the newest {coverage.files} of {coverage.matching} files; "
            "narrow it with --since and --until, or raise --max-files\n"
        )
    _write(table, form, options.output)
    return 0


def _covers(views: tuple[str, ...]) -> str:
    return f"{' and '.join(views)} {'covers' if len(views) == 1 else 'cover'}"


def _list(
    settings: Settings,
    options: argparse.Namespace,
    name: str,
    question: Callable[[Answers, int], Rows],
) -> int:
    limit = min(options.limit, ROWS_MAX)
    found = Source(settings).ask(f"/{name}", lambda answers: question(answers, limit), limit=limit)
    if options.json:
        render.write_json(found)
    else:
        render.listing(name, found)
    return 0


def _write(answer: pa.Table, form: str, output: str | None) -> None:
    """Write the rows. Raises QueryRefused when the output cannot be written."""
    try:
        if form == "parquet":
            pq.write_table(answer, str(output))
        elif output:
            with Path(output).open("w", encoding="utf-8", newline="") as sink:
                _write_text(answer, form, sink)
        else:
            _write_text(answer, form, sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "Choose another --output."
        raise QueryRefused(f"cannot write {output}: {reason}", hint=hint) from error


def _write_text(answer: pa.Table, form: str, sink: TextIO) -> None:
    names = answer.column_names
    rows = list(zip(*(column.to_pylist() for column in answer.columns), strict=True))
    if form == "json":
        render.write_json([dict(zip(names, row, strict=True)) for row in rows], sink)
    elif form == "csv":
        render.write_csv(names, rows, sink)
    else:
        render.table(names, rows, sink=sink)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise QueryRefused(f"invalid time {text!r}", hint="Write 2026-11-21T08:00:00Z.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
