"""Span files from one-line descriptions, in the layout of the Junjo ingestion service."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

T0 = 1_795_000_000_000_000_000
"""2026-11-18: when the spans of the tests happened."""


@dataclass(frozen=True, kw_only=True)
class Span:
    trace: int = 1
    span: int = 1
    parent: int | None = None
    service: str = "shop"
    name: str = "GET /"
    start: int = T0
    duration: int = 1_000_000
    status: int = 0
    kind: int = 2
    attributes: str = "{}"
    events: str = "[]"
    resource: str = "{}"
    message: str | None = None

    @property
    def trace_id(self) -> str:
        return f"{self.trace:032x}"

    @property
    def span_id(self) -> str:
        return f"{self.span:016x}"


SCHEMA_14 = pa.schema(
    [
        pa.field("span_id", pa.string(), nullable=False),
        pa.field("trace_id", pa.string(), nullable=False),
        pa.field("parent_span_id", pa.string()),
        pa.field("service_name", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("span_kind", pa.int8(), nullable=False),
        pa.field("start_time", pa.timestamp("ns", "UTC"), nullable=False),
        pa.field("end_time", pa.timestamp("ns", "UTC"), nullable=False),
        pa.field("duration_ns", pa.int64(), nullable=False),
        pa.field("status_code", pa.int8(), nullable=False),
        pa.field("status_message", pa.string()),
        pa.field("attributes", pa.string(), nullable=False),
        pa.field("events", pa.string(), nullable=False),
        pa.field("resource_attributes", pa.string(), nullable=False),
    ]
)


def spans(count: int, *, trace: int = 1, first: int = 1, **fields: object) -> list[Span]:
    """One trace: a root and ``count - 1`` children of it."""
    return [
        Span(
            trace=trace,
            span=first + index,
            parent=None if index == 0 else first,
            start=T0 + trace * 1_000_000 + index,
            **fields,  # type: ignore[arg-type]  # keyword names are Span's own
        )
        for index in range(count)
    ]


def table(rows: Iterable[Span]) -> pa.Table:
    rows = list(rows)
    return pa.table(
        {
            "span_id": [row.span_id for row in rows],
            "trace_id": [row.trace_id for row in rows],
            "parent_span_id": [None if r.parent is None else f"{r.parent:016x}" for r in rows],
            "service_name": [row.service for row in rows],
            "name": [row.name for row in rows],
            "span_kind": pa.array([row.kind for row in rows], pa.int8()),
            "start_time": pa.array([row.start for row in rows], pa.timestamp("ns", "UTC")),
            "end_time": pa.array(
                [row.start + row.duration for row in rows], pa.timestamp("ns", "UTC")
            ),
            "duration_ns": [row.duration for row in rows],
            "status_code": pa.array([row.status for row in rows], pa.int8()),
            "status_message": pa.array([row.message for row in rows], pa.string()),
            "attributes": [row.attributes for row in rows],
            "events": [row.events for row in rows],
            "resource_attributes": [row.resource for row in rows],
        },
        schema=SCHEMA_14,
    )


def parquet_bytes(rows: Iterable[Span] | pa.Table, **options: object) -> bytes:
    """The file's bytes, page checksums included."""
    content = rows if isinstance(rows, pa.Table) else table(rows)
    sink = pa.BufferOutputStream()
    pq.write_table(content, sink, **{"write_page_checksum": True, "compression": "zstd", **options})
    return sink.getvalue().to_pybytes()


def write(path: Path, rows: Sequence[Span] | pa.Table, **options: object) -> Path:
    """A finished file: written under a temporary name and renamed, as a good writer does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(parquet_bytes(rows, **options))
    os.replace(temporary, path)
    return path


def rewrite_in_place(path: Path, rows: Sequence[Span] | pa.Table, **options: object) -> None:
    """Other bytes under the same inode, size and modification time: all but the change time."""
    content = parquet_bytes(rows, **options)
    before = path.stat()
    assert len(content) == before.st_size, "the bytes that take the place have another size"
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        with path.open("r+b") as file:
            file.write(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
