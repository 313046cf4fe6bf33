"""``sql``: one SELECT over tables of the catalog and views of spans, written as it is read."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from indexer.cli import render
from indexer.cli.catalog_answers import index_lacks
from indexer.cli.interruptible import Interruptible, interruptible
from indexer.cli.output_file import check_output, is_stream, output_file
from indexer.cli.source import BesideIndex, Source
from indexer.cli.sql_formats import format_of, write_file, write_text
from indexer.clients.shared.time_texts import QuestionTimes
from indexer.deferred_dataclass import dataclass
from indexer.errors import FileChanged
from indexer.query.sql import SqlAnswer, open_session, stream
from indexer.query.sql_scope import Unindexed, Window
from indexer.run.sql_views import DIALECT_VIEWS
from indexer.settings import Settings

_BREAKS_OFF = "Ask again with --output FILE: then the file is read in another way."


@dataclass(slots=True, kw_only=True)
class _Answer:
    """The rows of one statement, and what they lack."""

    rows: SqlAnswer
    batches: Iterator[pa.RecordBatch]
    as_of: int | None
    """Nanoseconds since 1970; None without a hot tier that answers."""
    said: Sequence[dict[str, Any]] | None
    """What the tiers beside the index lack; None where the rows are of nothing in the index."""
    behind: int
    """Files whose attributes the index does not have yet, where it is asked for them."""

    @property
    def lacks(self) -> list[dict[str, Any]] | None:
        """All that is known by now; None where the rows are of nothing in the index."""
        if self.said is None:
            return None
        if self.rows.coverage is None and not self.behind:
            return [*self.said]
        from indexer.clients.shared.answer_json import missing_json  # noqa: PLC0415 - of views
        from indexer.query.sql_coverage import not_covered  # noqa: PLC0415 - same

        return [*self.said, *map(missing_json, not_covered(self.rows.coverage, self.behind))]

    def summary(self) -> dict[str, Any]:
        """What a document of JSON says of its rows."""
        lacks = self.lacks
        return {"as_of": self.as_of, "complete": not lacks, "missing": lacks or []}

    def say(self) -> None:
        """The same as lines on standard error."""
        lacks = self.lacks
        if lacks is not None:
            render.as_of(self.as_of)
            render.lacks(lacks)


def sql(settings: Settings, options: argparse.Namespace) -> int:
    """One statement that reads, on the catalog or on a snapshot of it."""
    given = options.format or ("json" if options.json else None)
    form = format_of(given, options.output)
    if options.output:
        check_output(options.output, overwrite=options.overwrite)
    source = Source(settings)
    with interruptible() as calls, source.beside_index() as beside:
        path = source.still_catalog()  # later: what it has and was called missing does no harm
        try:
            with _answer(settings, options, path, beside, calls) as answer:
                _write(answer, form, settings, options)
            coverage = answer.rows.coverage
        except FileChanged as error:
            if not options.output or is_stream(options.output):
                raise FileChanged(error.message, hint=_BREAKS_OFF) from error
            with _answer(settings, options, path, beside, calls, may_scan=False) as answer:
                _write(answer, form, settings, options)
            coverage = None
    if coverage is not None and coverage.unseen is not None and not source.has_worker:
        from indexer.index.unseen_files import look_at_unseen  # noqa: PLC0415 - after the answer

        sys.stdout.flush()
        look_at_unseen(path, coverage.unseen)
    return 0


@contextmanager
def _answer(
    settings: Settings,
    options: argparse.Namespace,
    path: Path,
    beside: BesideIndex,
    calls: Interruptible,
    *,
    may_scan: bool = True,
) -> Iterator[_Answer]:
    """The statement runs as its rows are read, in the session that is closed at the end."""
    query = options.query
    times = QuestionTimes()
    window = Window(
        since_unix_nano=times.unix_nano(options.since),
        until_unix_nano=times.unix_nano(options.until),
        files_max=options.max_files,
    )
    session = open_session(
        path,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        otlp_folder=Path(settings.storage_root) if "otlp" in query.lower() else None,
    )
    try:
        calls.interrupt_by(session.interrupt)
        unindexed = Unindexed(
            recent_paths=beside.recent_files, hot=beside.hot, published=beside.published
        )
        behind = _files_behind(session) if "span_attributes" in query.lower() else 0
        rows = calls.run(
            partial(
                stream, session, query, window, DIALECT_VIEWS, unindexed, path, may_scan=may_scan
            )
        )
        said = None
        if rows.coverage is not None or rows.of_tables:
            said = beside.missing_in_index if rows.of_tables else beside.missing
            said = index_lacks(settings, session.cursor()) if said is None else said
        yield _Answer(
            rows=rows,
            batches=calls.each(rows.batches()),
            as_of=beside.as_of,
            said=said,
            behind=behind,
        )
    finally:
        session.close()


def _files_behind(session: duckdb.DuckDBPyConnection) -> int:
    from indexer.query.find.attribute_coverage import files_behind  # noqa: PLC0415 - of few questions

    return files_behind(session)


def _write(answer: _Answer, form: str, settings: Settings, options: argparse.Namespace) -> None:
    """Write the rows, and what they lack: beside them where the form has no room for it.

    Raises QueryRefused when the output cannot be written.
    """
    schema, is_whole = answer.rows.rows.schema, answer.rows.rows.is_whole
    if form != "json" and is_whole:  # before the rows: a reader like `head` takes no more of them
        answer.say()
    if options.output:
        mode = settings.file_modes.file
        with output_file(options.output, mode, overwrite=options.overwrite) as file:
            write_file(form, schema, answer.batches, answer.summary, file)
    else:
        write_text(form, schema, answer.batches, answer.summary, sys.stdout)
    if form != "json" and not is_whole:
        answer.say()
