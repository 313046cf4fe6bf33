"""What is not flushed yet as one Parquet file, for readers that know no other way.

The file lies beside the log, never below the storage root, and is named after the newest request
in it: while that one stays the newest, the file holds everything that is hot and more.
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.deferred_dataclass import dataclass
from indexer.ingest.layout import is_snapshot, snapshot_file
from indexer.ingest.leftovers import remove_leftovers
from indexer.ingest.log_reader import LogReader, RecentFile, WalState
from indexer.ingest.range_file import Decode, decode_each, decode_spans
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from indexer.system.permissions import DEFAULT_MODES, FileModes, restrict

if TYPE_CHECKING:
    import pyarrow as pa

SNAPSHOTS_KEPT = 2
"""The newest, and the one before it, which a reader may be about to open."""
BATCH_ROWS = 10_000
BATCH_BYTES = 25 * 1024 * 1024
"""Bodies decoded at a time: as much as for one flushed file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotSnapshot:
    """Hot spans in a file, without a path when there are none, and the files before them."""

    path: str
    row_count: int
    size_bytes: int
    newest_key: bytes
    recent_files: tuple[RecentFile, ...]
    """Not confirmed, oldest first."""


class HotSnapshots:
    """The snapshots of one log, in a folder of their own."""

    def __init__(
        self,
        wal: Wal,
        folder: str | Path,
        process: WriterProcess,
        *,
        decode: Decode = decode_spans,
        modes: FileModes = DEFAULT_MODES,
    ) -> None:
        self._modes = modes
        self._wal = wal
        self._folder = Path(folder).absolute()
        self._process = process
        self._decode = decode
        self._lock = threading.Lock()
        self._last: HotSnapshot | None = None
        remove_leftovers(self._folder)
        restrict([self._folder], modes.folder)
        restrict(self._folder.glob("*.parquet"), modes.file)

    def prepare(self) -> HotSnapshot:
        """Everything acknowledged before the call that no listed or confirmed file has."""
        with self._lock:
            state = self._wal.state()
            if state.oldest_key is None:
                return _nothing(state)
            last = self._last
            if last and last.newest_key == state.newest_key and Path(last.path).exists():
                return replace(last, recent_files=state.recent_files)
            new = self._process.run(
                write_hot_snapshot, self._wal.path, self._folder, self._decode, self._modes
            )
            if new.path:
                self._last = new
                self._remove_old()
            return new

    def _remove_old(self) -> None:
        paths = [path for path in self._folder.iterdir() if is_snapshot(path.name)]
        for path in sorted(paths)[:-SNAPSHOTS_KEPT]:
            path.unlink(missing_ok=True)


def write_hot_snapshot(
    wal_path: Path, folder: Path, decode: Decode, modes: FileModes = DEFAULT_MODES
) -> HotSnapshot:
    """Write the file, in the writing process. Requests that do not decode are left to the flush."""
    reader = LogReader(wal_path)
    try:
        with reader.moment():
            state = reader.state()
            target = snapshot_file(folder, state.newest_key)
            return _write(state, _decoded(reader, decode), target, modes)
    finally:
        reader.close()


def _write(
    state: WalState, tables: Iterator["pa.Table"], target: Path, modes: FileModes
) -> HotSnapshot:
    from indexer.ingest.parquet import write_span_tables  # noqa: PLC0415 - the process that receives needs no Arrow

    first = next(tables, None)
    if first is None:
        return _nothing(state)
    counts: list[int] = []
    size = write_span_tables(_counted(chain([first], tables), counts), target, modes)
    return HotSnapshot(
        path=str(target),
        row_count=sum(counts),
        size_bytes=size,
        newest_key=state.newest_key,
        recent_files=state.recent_files,
    )


def _decoded(reader: LogReader, decode: Decode) -> Iterator["pa.Table"]:
    """Tables with rows, a batch of requests at a time."""
    key = b""
    while batch := reader.read_after(key, rows_max=BATCH_ROWS, bytes_max=BATCH_BYTES):
        tables, _ = decode_each(batch, decode)
        yield from (table for table in tables if table.num_rows)
        key = batch[-1].key


def _counted(tables: Iterator["pa.Table"], counts: list[int]) -> Iterator["pa.Table"]:
    for table in tables:
        counts.append(table.num_rows)
        yield table


def _nothing(state: WalState) -> HotSnapshot:
    return HotSnapshot(
        path="",
        row_count=0,
        size_bytes=0,
        newest_key=state.newest_key,
        recent_files=state.recent_files,
    )
