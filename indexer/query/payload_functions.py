"""The canonical payload as functions of SQL: a file and a row in, a payload column out.

DuckDB calls them for the rows and columns that a query needs and no others: what it has filtered
out is not read, and a file that cannot be read costs the payload of its own rows alone.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from itertools import pairwise
from threading import Lock
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import HotUnavailable, IndexerError
from indexer.model import ParquetFileInfo
from indexer.query.missing import Missing
from indexer.query.tiers.hot_spans import hot_column, hot_column_name
from indexer.read.canonical_blocks import canonical_block
from indexer.read.canonical_columns import canonical_column, column_type
from indexer.read.dialect_fields import Dialect
from indexer.read.metadata import batch, read_file
from indexer.read.normalise import COUNT_COLUMNS
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.registered_file import find_registered
from indexer.read.tally import Tally
from indexer.read.whole_names import whole_names
from indexer.spans.file_scan import UNSCANNED, FileScan
from indexer.system.duckdb_functions import create_arrow_function
from indexer.system.storage import LocalStorage

CACHE_BYTES = 128 << 20
"""Columns of files that one session keeps. The index has the rows of a file by trace, and a vector
of 2,048 of them lies all over it."""
_BLOCK_BYTES = 4 << 20
"""Of a file, as it is stored, that is read at once: some ten times as much in memory."""
_BLOCK_ROWS = (256, 65_536)
"""At least and at most."""
_SMALL_PART = 16
"""Of the rows of a block one in so many is read by itself: a trace, and not a scan."""
NAME = "name"
"""The whole name of a span, of which the index may hold the beginning."""
START, END, DURATION = "start_time_unix_nano", "end_time_unix_nano", "duration_ns"
"""Of files whose metadata is read from them, because DuckDB 1.5 reads times to the microsecond."""
_TIMES = (START, END, DURATION)
_COLUMNS = (*PAYLOAD_COLUMNS, NAME, *_TIMES)
"""A function is given a column by its place here: to make a function takes 2 ms."""
_FUNCTIONS = {"span_text": "VARCHAR", "span_count": "UBIGINT", "span_time": "BIGINT"}
"""The result of each."""


HotColumns = Callable[[Sequence[str]], pa.Table]
"""Of the hot spans of one moment those of some columns that there are, by the decoder's names.

Raises IndexerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadFile:
    """A file whose payload can be asked for."""

    file_path: str
    info: ParquetFileInfo
    footer_digest: str | None
    """Of a file that is indexed: what tells whether it still is that one."""
    dialect: Dialect
    row_count: int
    scan: FileScan = UNSCANNED
    """Which of its columns DuckDB itself may read."""
    is_whole: bool = False
    """Each of its rows is a span that the index has from it."""
    absent: tuple[str, ...] = ()
    """Canonical payload columns that neither it nor its folders have."""
    is_unseen: bool = False
    """It is indexed, and nobody has looked at its columns."""
    nested: tuple[str, ...] = ()
    """Its own payload columns that are MAP, STRUCT or LIST."""

    @property
    def block_rows(self) -> int:
        """Rows that are read at once."""
        rows = _BLOCK_BYTES * self.row_count // max(self.info.size_bytes, 1)
        return min(max(rows, _BLOCK_ROWS[0]), _BLOCK_ROWS[1])


@dataclass(slots=True)
class UnseenFiles:
    """Indexed files that nobody has looked at and of which a session read a large part."""

    storage: LocalStorage
    files: dict[int, PayloadFile] = field(default_factory=dict)
    """By ``file_id``."""
    seconds: float = 0.0
    """In which they were read."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HotPayload:
    """Hot spans whose payload can be asked for, in no file."""

    columns: HotColumns
    row_count: int
    file_path: None = None

    @property
    def block_rows(self) -> int:
        """All rows are read at once: they are in memory already."""
        return max(self.row_count, 1)

    def read(self, name: str) -> pa.Array:
        """A column of all rows, NULL where the decoder has none. Raises IndexerError."""
        table = self.columns([hot_column_name(name)])
        if table.num_columns and table.num_rows != self.row_count:
            raise HotUnavailable(f"{table.num_rows} hot spans have a payload, of {self.row_count}")
        found = hot_column(table, name)
        return pa.nulls(self.row_count, _arrow_type(name)) if found is None else found


PayloadSource = PayloadFile | HotPayload
"""Whose payload can be asked for."""


def payload_call(column: str, file_id: str, row: str, position: str = "0") -> str:
    """SQL for a column of the span at a place, which is SQL as well.

    Texts are copied by a concatenation that changes nothing: DuckDB 1.5 frees what a function in
    Python has returned while ``coalesce`` still shows it.
    """
    function = "span_text"
    if column in _TIMES:
        function = "span_time"
    elif column in COUNT_COLUMNS:
        function = "span_count"
    call = f"{function}({_COLUMNS.index(column)}, {file_id}, {row}, {position})"
    return f"({call} || '')" if function == "span_text" else call


class PayloadFunctions:
    """What one connection's functions read, and which files they could not read."""

    def __init__(self, storage: LocalStorage, files: Mapping[int, PayloadSource]) -> None:
        self._storage, self._files = storage, files
        self._blocks: OrderedDict[tuple[int, str, int], pa.Array] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._missing: dict[tuple[int, str], Missing] = {}
        self._asked: dict[tuple[int, str], int] = {}
        self._installed: set[str] = set()
        self.unseen = UnseenFiles(storage)

    def install(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Make the functions that the SQL calls in the connection's database.

        Those of a view made before are replaced. Raises duckdb.Error.
        """
        called = {name for name in _FUNCTIONS if f"{name}(" in sql}
        for name in called - self._installed:
            with suppress(duckdb.InvalidInputException):
                connection.remove_function(name)
            create_arrow_function(
                connection,
                name,
                self._column,
                ["INTEGER"] * 4,
                _FUNCTIONS[name],
                side_effects=False,
            )
        self._installed |= called

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Files whose payload could not be read, each with a reason, in order of their paths."""
        by_path = {one.file_path or "": one for one in self._missing.values()}
        return tuple(by_path[path] for path in sorted(by_path))

    def _column(self, columns: Any, file_ids: Any, rows: Any, _positions: Any) -> pa.Array:
        """The values of some rows of some files; NULL of a file that cannot be read."""
        if not len(columns):
            return pa.nulls(0)
        name = _COLUMNS[columns[0].as_py()]
        ids, numbers = file_ids.to_numpy(), rows.to_numpy()
        bounds = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
        parts = [
            self._rows(name, int(ids[first]), numbers[first:end])
            for first, end in pairwise(bounds)
            if end > first
        ]
        return pa.concat_arrays(parts)

    def _rows(self, name: str, file_id: int, rows: Any) -> pa.Array:
        file = self._files.get(file_id)
        if file is None or (file_id, name) in self._missing:
            return pa.nulls(len(rows), _arrow_type(name))
        try:
            if name not in _TIMES and self._are_few(name, file_id, file, len(rows)):
                return self._read(name, file, rows.tolist())
            return self._of_blocks(name, file_id, file, rows)
        except IndexerError as error:
            self._missing[file_id, name] = Missing.of_error(error, file.file_path)
            return pa.nulls(len(rows), _arrow_type(name))

    def _are_few(self, name: str, file_id: int, file: PayloadSource, count: int) -> bool:
        """Whether no more than a small part of the file was asked for, these rows included."""
        if isinstance(file, HotPayload):
            return False
        asked = self._asked.get((file_id, name), 0) + count
        self._asked[file_id, name] = asked
        return asked * _SMALL_PART <= min(file.block_rows, file.row_count)

    def _of_blocks(self, name: str, file_id: int, file: PayloadSource, rows: Any) -> pa.Array:
        block_rows = file.row_count if name in _TIMES else file.block_rows
        blocks, inside = np.divmod(rows, block_rows)
        numbers, places = np.unique(blocks, return_inverse=True)
        found = [self._block(name, file_id, file, int(number)) for number in numbers]
        starts = np.cumsum([0, *(len(block) for block in found)])
        whole = found[0] if len(found) == 1 else pa.chunked_array(found)
        taken = whole.take(pa.array(starts[places] + inside))
        return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken

    def _block(self, name: str, file_id: int, file: PayloadSource, number: int) -> pa.Array:
        key = (file_id, name, number)
        with self._lock:
            if key in self._blocks:
                self._blocks.move_to_end(key)
                return self._blocks[key]
        first = number * file.block_rows
        rows = range(first, min(first + file.block_rows, file.row_count))
        began_s = time.monotonic()
        block = self._read(name, file, rows)
        with self._lock:
            self._keep(key, block)
            if isinstance(file, PayloadFile) and file.is_unseen:
                self.unseen.files[file_id] = file
                self.unseen.seconds += time.monotonic() - began_s
        return block

    def _read(self, name: str, file: PayloadSource, rows: Sequence[int]) -> pa.Array:
        if isinstance(file, HotPayload):
            return file.read(name)
        info = file.info
        if file.footer_digest is not None:
            info = find_registered(self._storage, info, file.footer_digest)
        if name in _TIMES:
            return _times(self._storage, info)[name]
        if name == NAME:
            names = whole_names(self._storage, info, file.dialect, rows, Tally())
            return pa.array(names, pa.string())
        if isinstance(rows, range):
            return canonical_block(self._storage, info, file.dialect, name, rows)
        return canonical_column(self._storage, info, file.dialect, name, rows)

    def _keep(self, key: tuple[int, str, int], block: pa.Array) -> None:
        if key in self._blocks:
            return
        self._blocks[key] = block
        self._bytes += block.nbytes
        while self._bytes > CACHE_BYTES and len(self._blocks) > 1:
            _, oldest = self._blocks.popitem(last=False)
            self._bytes -= oldest.nbytes


def _arrow_type(name: str) -> pa.DataType:
    if name in _TIMES:
        return pa.int64()
    return pa.string() if name == NAME else column_type(name)


def _times(storage: LocalStorage, info: ParquetFileInfo) -> dict[str, pa.Array]:
    """Times of each row of a file whose rows are all spans; NULL where one is not known."""
    columns = batch([read_file(storage, info)]).files[0].columns
    order = np.argsort(columns.row)
    start, duration = columns.start[order], columns.duration[order]
    end = start + duration
    return {
        START: pa.array(start, pa.int64()),
        END: pa.array(end, pa.int64(), mask=end == 0),
        DURATION: pa.array(duration, pa.int64(), mask=(start == 0) | (end == 0)),
    }
