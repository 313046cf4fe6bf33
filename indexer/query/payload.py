"""Put the payload beside the metadata of chosen spans, from exactly the files that hold them.

What it will cost is known before it is read: a question that would open too many files is refused
with the window that would do.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb

from indexer.errors import IndexerError, QueryTooLarge
from indexer.model import ParquetFileInfo
from indexer.query.deadline import Deadline
from indexer.read.dialect import Dialect, dialects
from indexer.read.payload import PAYLOAD_COLUMNS, Tally, read_payload
from indexer.read.span_payload import span_payload
from indexer.system.budget import Reservation
from indexer.system.duckdb_rows import id_list, plain_rows
from indexer.system.storage import LocalStorage

BYTES_PER_TEXT_BYTE = 4
"""What a byte of payload takes while it is Python's values and again JSON (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLimits:
    """What one answer may cost."""

    files: int = 2_000
    """Files that are read: 5 ms each, and so ten seconds."""
    payload_bytes: int = 128 << 20
    """Of text; see ``BYTES_PER_TEXT_BYTE`` for what it takes."""


_FILES = """
SELECT file_id, file_path, relative_path, size_bytes, modified_unix_nano, device, inode, dialect
FROM parquet_files WHERE file_id IN {file_ids}
"""

Span = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Cost:
    """What an answer has cost so far."""

    began_s: float = field(default_factory=time.perf_counter)
    index_ms: float = 0.0
    files_read: int = 0
    payload: Tally = field(default_factory=Tally)
    payload_ms: float = 0.0
    limits: AnswerLimits = field(default_factory=AnswerLimits)
    held: Reservation | None = None
    """Of the budget that all answers share."""

    def hold(self) -> None:
        """Hold the payload that was read so far. Raises QueryTooLarge, and QueriesBusy."""
        if self.payload.text_bytes > self.limits.payload_bytes:
            raise QueryTooLarge(
                f"the answer has {self.payload.text_bytes:,} bytes of payload and more, "
                f"at most {self.limits.payload_bytes:,} are given at once"
            )
        if self.held is not None:
            self.held.grow(self.payload.text_bytes - self.held.held_bytes)

    def indexed(self) -> None:
        """The index has been asked."""
        self.index_ms = (time.perf_counter() - self.began_s) * 1e3

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While files are read."""
        began_s = time.perf_counter()
        try:
            yield
        finally:
            self.payload_ms += (time.perf_counter() - began_s) * 1e3

    def to_dict(self) -> dict[str, Any]:
        """Files and bytes read, milliseconds in the index and in files."""
        return {
            "files_read": self.files_read,
            "bytes_read": self.payload.bytes_read,
            "index_ms": round(self.index_ms, 3),
            "payload_ms": round(self.payload_ms, 3),
        }


def files_of(cursor: duckdb.DuckDBPyConnection, spans: Sequence[Span]) -> dict[int, dict[str, Any]]:
    """The files that spans with a ``file_id`` are in, by it."""
    file_ids = sorted({span["file_id"] for span in spans if span.get("file_id") is not None})
    if not file_ids:
        return {}
    found = plain_rows(cursor, _FILES.format(file_ids=id_list(file_ids)))
    return {file["file_id"]: file for file in found}


def within_budget(spans: Sequence[Span], *, files_max: int) -> None:
    """Raises QueryTooLarge, with a window that is not, for spans of too many files."""
    seen: set[int] = set()
    for number, span in enumerate(spans):
        file_id = span.get("file_id")
        if file_id is None or file_id in seen:
            continue
        if len(seen) == files_max:
            total = len({one["file_id"] for one in spans if one.get("file_id") is not None})
            raise QueryTooLarge(
                f"the answer lies in {total:,} files, at most {files_max:,} are read for one",
                hint=_narrower(spans[:number]),
            )
        seen.add(file_id)


def add_payload(
    storage: LocalStorage,
    spans: Sequence[Span],
    files: Mapping[int, dict[str, Any]],
    cost: Cost,
    deadline: Deadline,
) -> list[dict[str, Any]]:
    """Give each span with a ``file_id`` its payload; what could not be read, file by file.

    Raises QueryTooLarge once it is more than an answer may have.
    """
    known = {dialect.name: dialect for dialect in dialects()}
    by_file: dict[int, list[Span]] = defaultdict(list)
    for span in spans:
        if span.get("file_id") is not None:
            by_file[span["file_id"]].append(span)
    missing = []
    read = 0
    for file_id, members in by_file.items():
        deadline.check()
        file = files[file_id]
        try:
            _fill(storage, file, known[file["dialect"]], members, cost)
        except IndexerError as error:
            for span in members:
                span.update(dict.fromkeys(PAYLOAD_COLUMNS))
            missing.append(
                {
                    "file_path": file["file_path"],
                    "error_type": error.error_type,
                    "detail": error.message,
                }
            )
        try:
            cost.hold()
        except QueryTooLarge as error:
            raise QueryTooLarge(error.message, hint=_fewer(read or len(members) // 2)) from error
        read += len(members)
    return missing


def _fill(
    storage: LocalStorage, file: dict[str, Any], dialect: Dialect, spans: list[Span], cost: Cost
) -> None:
    info = ParquetFileInfo(
        path=storage.absolute(file["relative_path"]),
        relative_path=file["relative_path"],
        size_bytes=file["size_bytes"],
        modified_unix_nano=file["modified_unix_nano"],
        device=file["device"],
        inode=file["inode"],
    )
    cost.files_read += 1
    rows_wanted = [span["file_row_number"] for span in spans]
    payload = read_payload(storage, info, dialect, rows_wanted, cost.payload)
    for span, values in zip(spans, payload, strict=True):
        span.update(span_payload(values))


def _fewer(spans: int) -> str:
    return f"Narrow it with since and until, or ask for {max(1, spans):,} spans at a time."


def _narrower(spans: Sequence[Span]) -> str:
    """Bounds that hold exactly these spans, which are in order of start either way."""
    starts = [span["start_time_unix_nano"] for span in spans]
    return (
        f"Narrow it: since={min(starts)} and until={max(starts) + 1} (nanoseconds since 1970) "
        f"hold the first {len(spans):,} spans; or ask for fewer."
    )
