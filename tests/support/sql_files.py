"""``.test`` files: SQL and the rows it must answer, in the manner of sqllogictest.

A file is a sequence of records, separated by empty lines; ``#`` starts a comment line.

    load                              an empty storage gets these files, a fresh catalog indexes it
    a.parquet: spans(3, trace=1)      rows by the names of NAMES below, or bytes
    b.parquet: Span(trace=2), Span(trace=2, span=2, parent=1)

    reload                            the same storage changes and is indexed again
    b.parquet: gone

    otlp                              OTLP files below a folder, and a connection that reads them
    a.jsonl: {"resourceSpans": []}    a line of text, or by the names of NAMES; again: another line

    window 2026-11-18 2026-11-19 1    otel_spans from now on: since, until, files at most; - for none

    statement ok                      the SQL below succeeds, exactly as ``sql`` would run it
    SELECT 1

    statement error Catalog Error     it is refused, and the reason contains the fragment
    SELECT * FROM nowhere

    query TIB                         columns by type: Text, Integer, Real, Bool, Zoned time
    SELECT 'a', 1, true
    ----
    a	1	true

Rows are separated by tabs, or by spaces where no value has one; ``NULL`` and ``(empty)`` are
spelled so. ``query TI sorted`` compares without an order.
"""

from __future__ import annotations

import re
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from indexer.catalog.generations import Generations
from indexer.clients.shared.time_texts import QuestionTimes
from indexer.errors import QueryRefused
from indexer.index.reindex import run_once
from indexer.otlp import install
from indexer.query.sql import Window, open_session, select
from indexer.run.sql_views import DIALECT_VIEWS
from indexer.settings import load_settings
from indexer.system.clock import SystemClock
from indexer.system.duckdb_rows import arrow_table
from tests.otlp.file_forms import delimited, framed, gzipped, pretty, zstd
from tests.support.otlp_json import json_line
from tests.support.otlp_samples import logs, metrics, traces
from tests.support.span_files import T0, Span, spans, table, write


def wide(*rows: Span, links: str = "[]", trace_state: str | None = None) -> pa.Table:
    """The rows as Junjo Studio 0.82 writes them, with 21 columns."""
    found = table(rows)
    count = pa.array([0 for _ in rows], pa.uint32())
    for name, column in {
        "links": pa.array([links for _ in rows]),
        "trace_flags": pa.array([257 for _ in rows], pa.uint32()),
        "trace_state": pa.array([trace_state for _ in rows], pa.string()),
        "dropped_attributes_count": pa.array([3 for _ in rows], pa.uint32()),
        "dropped_events_count": count,
        "dropped_links_count": count,
        "resource_dropped_attributes_count": count,
    }.items():
        found = found.append_column(name, column)
    return found


def without(column: str, *rows: Span) -> pa.Table:
    """The rows of a writer that leaves out a column."""
    return table(rows).drop_columns([column])


NAMES = {"Span": Span, "spans": spans, "wide": wide, "without": without, "T0": T0}
OTLP_NAMES = {
    **{one.__name__: one for one in (framed, delimited, gzipped, zstd, pretty, json_line)},
    **{one.__name__: one for one in (traces, logs, metrics, bytes)},
}
TYPES = {"T": str, "I": int, "R": float, "B": bool, "Z": datetime}


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record: its directive, what stands below it, and where."""

    line: int
    directive: str
    body: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)


class SqlMismatch(AssertionError):
    """A record that does not hold."""


class SqlFile(pytest.File):
    """One ``.test`` file, one test."""

    def collect(self) -> Iterator[SqlItem]:
        item = SqlItem.from_parent(self, name=self.path.stem)
        item.add_marker("duckdb")
        yield item


class SqlItem(pytest.Item):
    """All records of a file, in order, over one storage."""

    def runtest(self) -> None:
        with tempfile.TemporaryDirectory(prefix="span-sql-") as folder:
            world = World(Path(folder))
            for record in records(self.path.read_text()):
                try:
                    world.run(record)
                except SqlMismatch as error:
                    raise SqlMismatch(f"{self.path}:{record.line}: {error}") from None
                except Exception as error:
                    trace = traceback.format_exc()
                    raise SqlMismatch(f"{self.path}:{record.line}: {trace}") from error

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, SqlMismatch):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


def records(text: str) -> Iterator[Record]:
    """The records of a file's text."""
    lines = [line.rstrip() for line in text.splitlines()]
    at = 0
    while at < len(lines):
        if not lines[at] or lines[at].startswith("#"):
            at += 1
            continue
        record = Record(line=at + 1, directive=lines[at])
        part = record.body
        at += 1
        while at < len(lines) and lines[at]:
            if lines[at] == "----":
                part = record.expected
            elif not lines[at].startswith("#"):
                part.append(lines[at])
            at += 1
        yield record


class World:
    """A storage and its catalog, and the window of ``otel_spans``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loads = 0
        self.window = Window()
        self.otlp: duckdb.DuckDBPyConnection | None = None

    def run(self, record: Record) -> None:
        kind, _, rest = record.directive.partition(" ")
        if kind == "load":
            self.loads += 1
            self.change(record.body)
        elif kind == "otlp":
            self.loads += 1
            self.write_otlp(record.body)
        elif kind == "reload":
            self.change(record.body)
        elif kind == "window":
            self.window = _window(rest.split())
        elif kind == "statement":
            self.statement("\n".join(record.body), rest)
        elif kind == "query":
            self.query("\n".join(record.body), rest.split(), record.expected)
        else:
            raise SqlMismatch(f"unknown directive {record.directive!r}")

    @property
    def place(self) -> Path:
        """Where the present load lives."""
        return self.folder / str(self.loads)

    def change(self, lines: Sequence[str]) -> None:
        """Write or remove files as the lines say, and index."""
        root = self.place / "spans"
        root.mkdir(parents=True, exist_ok=True)
        for line in lines:
            name, _, rows = line.partition(":")
            _put(root / name.strip(), rows.strip())
        settings = load_settings(
            JUNJO_SPAN_STORAGE_PATH=root,
            JUNJO_DUCKDB_PATH=self.place / "index.duckdb",
            INDEXER_SETTLE_SECONDS=0.1,
        )
        run_once(settings, SystemClock(), lambda: False, lambda _pipeline: None)

    def write_otlp(self, lines: Sequence[str]) -> None:
        """Write files for ``read_otlp``, whose paths begin where they are."""
        self.place.mkdir(parents=True)
        for line in lines:
            name, _, content = line.partition(": ")
            with (self.place / name).open("ab") as file:
                file.write(_otlp_content(content))
        self.otlp = duckdb.connect()
        install(self.otlp, folder=self.place)

    def select(self, sql: str) -> Any:
        if self.otlp is not None:
            return arrow_table(self.otlp, sql)
        path = Generations(self.place / "index.duckdb").current()
        if path is None:
            raise SqlMismatch("nothing is loaded yet")
        session = open_session(path, memory_limit="512MiB", threads=1)
        try:
            return select(session, sql, self.window, DIALECT_VIEWS)[0]
        finally:
            session.close()

    def statement(self, sql: str, expectation: str) -> None:
        wanted, _, fragment = expectation.partition(" ")
        try:
            self.select(sql)
        except (QueryRefused, duckdb.Error) as error:
            message = getattr(error, "message", str(error))
            if wanted == "ok" or fragment.lower() not in message.lower():
                raise SqlMismatch(f"refused with {message!r}:\n{sql}") from None
            return
        if wanted != "ok":
            raise SqlMismatch(f"succeeded, and must not:\n{sql}")

    def query(self, sql: str, options: Sequence[str], expected: Sequence[str]) -> None:
        found = [list(row.values()) for row in _named(self.select(sql)).to_pylist()]
        for row in found:
            _check_types(row, options[0])
        shown = ["\t".join(_shown(value) for value in row) for row in found]
        wanted = [line if "\t" in line else "\t".join(line.split()) for line in expected]
        if len(options[0]) == 1:  # one column: the whole line is the value
            wanted = list(expected)
        if "sorted" in options[1:]:
            shown, wanted = sorted(shown), sorted(wanted)
        if shown != wanted:
            raise SqlMismatch("\n  ".join([sql, "expected:", *wanted, "found:", *shown]))


def _put(path: Path, rows: str) -> None:
    if rows == "gone":
        path.unlink()
        return
    value = eval(f"[{rows}]", {"__builtins__": {}}, NAMES)  # noqa: S307 - our own files' text
    if value and isinstance(value[0], bytes):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value[0])
        return
    if value and isinstance(value[0], pa.Table):
        write(path, value[0])
        return
    flat = [row for item in value for row in (item if isinstance(item, list) else [item])]
    write(path, flat)


def _otlp_content(content: str) -> bytes:
    """A line of text as it stands, or what an expression says."""
    if content.startswith(("{", "[")):
        return content.encode() + b"\n"
    return eval(content, {"__builtins__": {}}, OTLP_NAMES)  # noqa: S307 - our own files' text


def _window(words: Sequence[str]) -> Window:
    since, until, *most = [None if word == "-" else word for word in words]
    limit = {"files_max": int(most[0])} if most and most[0] else {}
    times = QuestionTimes()
    return Window(
        since_unix_nano=times.unix_nano(since), until_unix_nano=times.unix_nano(until), **limit
    )


def _named(found: Any) -> Any:
    """Columns renamed to numbers: two of the same name are two columns here."""
    return found.rename_columns([str(number) for number in range(found.num_columns)])


def _check_types(row: Sequence[object], types: str) -> None:
    if len(row) != len(types):
        raise SqlMismatch(f"{len(row)} columns, and {len(types)} types")
    for value, letter in zip(row, types, strict=True):
        if value is not None and type(value) is not TYPES[letter] and letter != "T":
            raise SqlMismatch(f"{value!r} is no {TYPES[letter].__name__}")


def _shown(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        assert value.tzinfo is not None
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    text = re.sub(r"[\t\n]", " ", str(value))
    return text or "(empty)"
