"""OTLP files become Parquet: spans in the layout of the storage, logs and metrics beside it.

A file that is converted again takes the place of what it became before, so nothing is there twice.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused
from indexer.ingest.parquet import write_span_file
from indexer.otlp.files.paths import FileAccess
from indexer.otlp.files.scan import Scan, ScanOptions, ScanStats
from indexer.otlp.requests import Signal
from indexer.otlp.rows.metrics import DATA_OF
from indexer.otlp.rows.schemas import TABLES, Kind
from indexer.otlp.rows.tables import rows
from indexer.otlp.spans import span_table
from indexer.system import arrow_compute as pc
from indexer.system.durable_files import make_folder, replacing
from indexer.system.permissions import DEFAULT_MODES, FileModes

FILE_SPANS = 100_000
"""Of one span file, as ingestion flushes them."""
SPANS, LOGS, METRICS = "spans", "logs", "metrics"
"""Folders: a storage root, and what no index may take for spans."""


@dataclass(slots=True, kw_only=True)
class Conversion:
    """What became of one OTLP file."""

    stats: ScanStats
    written: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    """Written, by the name of the table."""


def convert_file(name: str, target: Path, modes: FileModes = DEFAULT_MODES) -> Conversion:
    """Write the spans of an OTLP file below ``target/spans``, logs and data points beside.

    Raises NotOtlp, OtlpFileMissing, FileUnreadable and OSError.
    """
    source = FileAccess(LocalOnly()).open(name, 0)
    scan = Scan(name, source, ScanOptions(kind="unified"))
    done = Conversion(stats=scan.stats)
    label = blake2b(os.path.realpath(name).encode(), digest_size=8).hexdigest()
    with ExitStack() as stack:
        stack.callback(source.close)
        tables = _Tables(target, label, modes, done)
        stack.callback(tables.discard)
        for message in scan.messages():
            if message.signal is not None and message.resources:
                tables.add(message.signal, message.resources)
        tables.finish()
    return done


class _Tables:
    """Rows of one OTLP file on their way into Parquet files."""

    def __init__(self, target: Path, label: str, modes: FileModes, done: Conversion) -> None:
        self._target, self._label, self._modes, self._done = target, label, modes, done
        self._spans: list[pa.Table] = []
        self._span_files = 0
        self._writers: dict[Kind, _TableFile] = {}

    def add(self, signal: Signal, resources: Any) -> None:
        if signal == "traces":
            body = ExportTraceServiceRequest(resource_spans=resources).SerializeToString()
            self._spans.append(span_table([body]))
            if sum(table.num_rows for table in self._spans) >= FILE_SPANS:
                self._write_spans()
            return
        kinds: Sequence[Kind] = ("logs",) if signal == "logs" else tuple(DATA_OF)
        for kind in kinds:
            batch = rows(kind, signal, resources)
            if batch.num_rows:
                self._writer(kind).write(batch)
                self._count(kind, batch.num_rows)

    def finish(self) -> None:
        self._write_spans()
        for writer in self._writers.values():
            self._done.written.append(writer.finish())

    def discard(self) -> None:
        for writer in self._writers.values():
            writer.discard()

    def _write_spans(self) -> None:
        table = pa.concat_tables(self._spans) if self._spans else None
        self._spans = []
        if table is None or not table.num_rows:
            return
        began = datetime.fromtimestamp(pc.min(table["start_time"]).value // 10**9, UTC)
        folder = self._target / SPANS / f"{began:year=%Y/month=%m/day=%d}"
        path = folder / f"{began:%Y%m%d_%H%M%S}_otlp_{self._label}_{self._span_files}.parquet"
        write_span_file(table, path, self._modes)
        self._span_files += 1
        self._done.written.append(str(path))
        self._count("traces", table.num_rows)

    def _writer(self, kind: Kind) -> "_TableFile":
        if kind not in self._writers:
            folder = self._target / LOGS if kind == "logs" else self._target / METRICS / kind
            path = folder / f"otlp_{self._label}.parquet"
            self._writers[kind] = _TableFile(path, TABLES[kind].schema, self._modes)
        return self._writers[kind]

    def _count(self, kind: Kind, number: int) -> None:
        self._done.rows[kind] = self._done.rows.get(kind, 0) + number


class _TableFile:
    """A Parquet file that has its name once it is whole."""

    def __init__(self, path: Path, schema: pa.Schema, modes: FileModes) -> None:
        make_folder(path.parent, modes)
        self._path = path
        self._stack = ExitStack()
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        file = self._stack.enter_context(replacing(path, temporary, modes.file))
        self._writer = pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def finish(self) -> str:
        self._writer.close()
        self._stack.close()
        return str(self._path)

    def discard(self) -> None:
        """Leave nothing of a file that is not finished."""
        if self._writer.is_open:
            self._writer.close()
            with suppress(InterruptedError), self._stack:
                raise InterruptedError


class LocalOnly:
    """No file by URL: DuckDB, which reads them, has no part in this."""

    def names(self, pattern: str) -> list[str]:
        """Raise QueryRefused."""
        raise _not_local(pattern)

    def size_bytes(self, url: str) -> int:
        """Raise QueryRefused."""
        raise _not_local(url)

    def content(self, url: str) -> bytes:
        """Raise QueryRefused."""
        raise _not_local(url)


def _not_local(url: str) -> QueryRefused:
    return QueryRefused(f"{url} is not a local file", hint="Download it first.")


def check_target(target: Path, storage_root: str) -> None:
    """Raise QueryRefused where logs and metrics would lie below the storage's root."""
    root = os.path.realpath(storage_root)
    for folder in (LOGS, METRICS):
        if os.path.commonpath([os.path.realpath(target / folder), root]) == root:
            raise QueryRefused(
                f"{target / folder} would lie in the span storage {root}",
                hint=f"Give the folder above it: spans go to its folder {SPANS!r}.",
            )
