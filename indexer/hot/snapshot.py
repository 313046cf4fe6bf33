"""Have the server write a Parquet file of what is hot, and read it: PrepareHotSnapshot.

The path is untrusted, and the file is not ours: the server replaces or removes it whenever
somebody else asks, so it may be gone, or another one, while it is opened. Then it is asked again,
once. What cannot be read is an error and never a crash.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from indexer.errors import (
    CorruptPage,
    FileChanged,
    FileTooLarge,
    FileUnreadable,
    FileVanished,
    HotUnavailable,
    IndexerError,
    NotSpans,
)
from indexer.hot.decoding import Decoder
from indexer.hot.identity import identified_rows
from indexer.hot.view import DecodedRows, HotLimits, HotView
from indexer.model import ParquetFileInfo
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage
from indexer.wire.calls import Calls
from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.paths import below, excerpt, is_regular, recent_files

if TYPE_CHECKING:  # services that answer incrementally make no snapshot
    import pyarrow.parquet as pq

CACHED_NS = 1_000_000_000
"""The service hands out a snapshot that is up to a second old."""
BATCH_ROWS = 8_192
"""Decoded at once: the bound on memory is looked at in between."""
_TEXTS = ("trace_id", "span_id", "parent_span_id", "service_name", "name")
_TIMES = ("start_time", "end_time")
_KIND = "span_kind"


class SnapshotReader:
    """Reads snapshots below the storage root or the snapshot folder."""

    def __init__(
        self,
        calls: Calls,
        decoder: Decoder,
        limits: HotLimits,
        clock: Clock,
        storage_root: str,
        snapshot_root: str | None,
    ) -> None:
        self._calls = calls
        self._decoder = decoder
        self._limits = limits
        self._clock = clock
        self._root = storage_root
        roots = [storage_root] if snapshot_root is None else [storage_root, snapshot_root]
        self._storages = [LocalStorage(root) for root in roots]

    def read(self) -> HotView:
        """One snapshot. Raises Unimplemented or HotUnavailable."""
        try:
            try:
                return self._refresh()
            except (FileVanished, FileChanged):
                return self._refresh()
        except HotUnavailable:
            raise
        except IndexerError as error:
            message = f"the hot snapshot cannot be used: {error.error_type}: {error.message}"
            raise HotUnavailable(message) from error

    def _refresh(self) -> HotView:
        asked_at = self._clock.now_unix_nano()
        answer = self._calls.prepare_hot_snapshot(self._limits.deadline_s)
        if not answer.success:
            raise HotUnavailable(f"PrepareHotSnapshot failed: {excerpt(answer.error_message)}")
        is_empty = not answer.snapshot_path
        table = self._decoder.empty() if is_empty else self._table(answer)
        paths = list(answer.recent_cold_paths)
        files, problems = recent_files(paths, self._root, self._limits.recent_files_max)
        return HotView(
            rows=DecodedRows(table),
            as_of_unix_nano=asked_at if is_empty else asked_at - CACHED_NS,
            recent_files=files,
            source="snapshot",
            bounded=True,
            problems=problems,
        )

    def _table(self, answer: wire.PrepareHotSnapshotResponse) -> pa.Table:
        import pyarrow.parquet as pq  # noqa: PLC0415 - see above

        limits, path = self._limits, answer.snapshot_path
        storage, info = self._located(path)
        if info.size_bytes > limits.snapshot_bytes_max:
            raise FileTooLarge(
                f"the snapshot has {info.size_bytes} bytes, limit {limits.snapshot_bytes_max}"
            )
        if answer.file_size_bytes not in (0, info.size_bytes):
            raise FileChanged(
                f"the snapshot has {info.size_bytes} bytes, expected {answer.file_size_bytes}"
            )
        with storage.open(info) as source, _decoding():
            parquet = pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=False)
            rows = parquet.metadata.num_rows
            if rows > limits.rows_max:
                raise FileTooLarge(f"the snapshot has {rows} rows, limit {limits.rows_max}")
            if answer.row_count not in (0, rows):
                raise CorruptPage(f"the snapshot has {rows} rows, expected {answer.row_count}")
            columns = _columns(parquet.schema_arrow, self._decoder.schema)
            table = _read(parquet, columns, limits.buffer_bytes_max)
        return identified_rows(table)[0]

    def _located(self, path: str) -> tuple[LocalStorage, ParquetFileInfo]:
        """The file as it lies there now. Raises HotUnavailable for a path that is not allowed."""
        for storage in self._storages:
            relative = below(path, storage.root)
            if relative is None:
                continue
            absolute = storage.absolute(relative)
            if not os.path.realpath(absolute).endswith(".parquet"):
                break
            entry = storage.stat(relative)
            regular = is_regular(absolute)
            if entry is None or regular is None:
                raise FileVanished("the snapshot is gone")
            if not regular:
                break
            return storage, entry.info
        raise HotUnavailable(
            f"the server names a snapshot outside the allowed folders: {excerpt(path)}"
        )


def _columns(found: pa.Schema, known: pa.Schema) -> list[str]:
    """The known ones of a file. Raises NotSpans when it lacks what identifies and places a span."""
    columns = [name for name in known.names if found.names.count(name) == 1]
    for name in (*_TEXTS, *_TIMES):
        if name not in columns:
            raise NotSpans(f"expected one column {name}, got {found.names.count(name)}")
        kind = found.field(name).type
        fits = pa.types.is_timestamp(kind) if name in _TIMES else _is_text(kind)
        if not fits:
            raise NotSpans(f"its column {name} is {kind}")
    if _KIND in columns and not pa.types.is_integer(found.field(_KIND).type):
        raise NotSpans(f"its column {_KIND} is {found.field(_KIND).type}")
    return columns


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def _read(parquet: "pq.ParquetFile", columns: list[str], bytes_max: int) -> pa.Table:
    batches, held = [], 0
    for batch in parquet.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
        held += batch.nbytes
        if held > bytes_max:
            raise FileTooLarge(f"the snapshot has more than {bytes_max} bytes once decoded")
        batches.append(batch)
    schema = pa.schema([parquet.schema_arrow.field(name) for name in columns])
    return pa.Table.from_batches(batches, schema=batches[0].schema if batches else schema)


@contextmanager
def _decoding() -> Iterator[None]:
    """Whatever pyarrow raises on foreign bytes leaves as a fact."""
    try:
        yield
    except (pa.ArrowMemoryError, MemoryError) as error:
        raise FileTooLarge("decoding needs too much memory") from error
    except OSError as error:
        if error.errno is not None:
            raise FileUnreadable(f"cannot read: {error.strerror}") from error
        raise CorruptPage(excerpt(str(error))) from error
    except (pa.ArrowException, ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise CorruptPage(excerpt(str(error))) from error
