"""``sql``: one SELECT over tables of the catalog and views of spans, in four formats."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from indexer.cli import render
from indexer.cli.source import Source
from indexer.errors import QueryRefused
from indexer.query.find.attribute_coverage import files_behind
from indexer.query.sql import Window, open_session, select
from indexer.query.views import FILES_MAX
from indexer.run.sql_views import DIALECT_VIEWS
from indexer.settings import Settings
from indexer.system.terminal_text import escape_text


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
    session = open_session(
        path,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        otlp_folder=Path(settings.storage_root) if "otlp" in options.query.lower() else None,
    )
    try:
        table, coverage = select(session, options.query, window, DIALECT_VIEWS)
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
    for missing in coverage.missing if coverage is not None else ():
        reason = f"the payload of {missing.file_path} is NULL: {missing.detail}"
        sys.stderr.write(f"{escape_text(reason)}\n")
    _write(table, form, options.output)
    return 0


def _covers(views: tuple[str, ...]) -> str:
    return f"{' and '.join(views)} {'covers' if len(views) == 1 else 'cover'}"


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
    rows = list(zip(*map(_values, answer.columns), strict=True))
    if form == "json":
        render.write_json([dict(zip(names, row, strict=True)) for row in rows], sink)
    elif form == "csv":
        render.write_csv(names, rows, sink)
    else:
        render.table(names, rows, sink=sink)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Python values; times of a nanosecond, which Python has not, are text."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
    return list(column.to_pylist())


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise QueryRefused(f"invalid time {text!r}", hint="Write 2026-11-21T08:00:00Z.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
