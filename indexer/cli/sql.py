"""``sql``: one SELECT over tables of the catalog and views of spans, in four formats."""

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from indexer.cli import render
from indexer.cli.source import BesideIndex, Source
from indexer.clients.shared.answer_json import missing_json
from indexer.errors import QueryRefused
from indexer.query.find.attribute_coverage import files_behind
from indexer.query.span_views import Window
from indexer.query.sql import names_tables, open_session, select
from indexer.query.sql_coverage import not_covered
from indexer.query.unindexed_rows import Unindexed
from indexer.run.sql_views import DIALECT_VIEWS
from indexer.settings import Settings


def sql(settings: Settings, options: argparse.Namespace) -> int:
    """One statement that reads, on the catalog or on a snapshot of it."""
    form = options.format or ("json" if options.json else "table")
    if form == "parquet" and not options.output:
        raise QueryRefused(
            "--format parquet needs --output FILE", hint="Parquet is binary, not for a terminal."
        )
    source = Source(settings)
    with source.beside_index() as beside:
        path = source.still_catalog()  # later: what it has and was called missing does no harm
        table, lacks = _select(settings, options, path, beside)
    if form == "json":
        answer = {"as_of": beside.as_of, "complete": not lacks, "missing": lacks or []}
        _write(table, form, options.output, answer)
        return 0
    if lacks is not None:
        render.as_of(beside.as_of)
        render.lacks(lacks)
    _write(table, form, options.output)
    return 0


def _select(
    settings: Settings, options: argparse.Namespace, path: Path, beside: BesideIndex
) -> tuple[pa.Table, list[dict[str, Any]] | None]:
    """The rows, and what they lack; None where they are of nothing in the index."""
    query = options.query
    window = Window(
        since=_time(options.since),
        until=_time(options.until),
        files_max=options.max_files,
    )
    session = open_session(
        path,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        otlp_folder=Path(settings.storage_root) if "otlp" in query.lower() else None,
    )
    try:
        unindexed = Unindexed(recent_paths=beside.recent_files, hot=beside.hot)
        of_tables = names_tables(session, query, DIALECT_VIEWS)
        table, coverage = select(session, query, window, DIALECT_VIEWS, unindexed)
        if coverage is None and not of_tables:
            return table, None
        behind = files_behind(session) if "span_attributes" in query.lower() else 0
        said = beside.missing_in_index if of_tables else beside.missing
        return table, [*said, *map(missing_json, not_covered(coverage, behind))]
    finally:
        session.close()


def _write(
    answer: pa.Table, form: str, output: str | None, said: Mapping[str, Any] | None = None
) -> None:
    """Write the rows, and what is said of them where the form has room for it.

    Raises QueryRefused when the output cannot be written.
    """
    try:
        if form == "parquet":
            pq.write_table(answer, str(output))
        elif output:
            with Path(output).open("w", encoding="utf-8", newline="") as sink:
                _write_text(answer, form, sink, said or {})
        else:
            _write_text(answer, form, sys.stdout, said or {})
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "Choose another --output."
        raise QueryRefused(f"cannot write {output}: {reason}", hint=hint) from error


def _write_text(answer: pa.Table, form: str, sink: TextIO, said: Mapping[str, Any]) -> None:
    names = answer.column_names
    rows = list(zip(*map(_values, answer.columns), strict=True))
    if form == "json":
        found = [dict(zip(names, row, strict=True)) for row in rows]
        render.write_json({"rows": found, **said}, sink)
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
        raise QueryRefused(
            f"invalid time {text!r}", hint="Write it like 2026-11-21T08:00Z."
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
