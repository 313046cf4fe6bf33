"""The canonical payload as functions of SQL: a file and a row in, a payload column out.

DuckDB calls them for the rows and columns that a query needs and no others: what it has filtered
out is not read, and a file that cannot be read costs the payload of its own rows alone.
"""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from threading import Lock
from typing import Any, cast

import duckdb
import numpy as np
import pyarrow as pa

from indexer.errors import IndexerError
from indexer.model import ParquetFileInfo
from indexer.query.missing import Missing
from indexer.read.canonical_columns import canonical_column, column_type
from indexer.read.dialect import Dialect
from indexer.read.normalise import COUNT_COLUMNS
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.registered_file import find_registered
from indexer.system.storage import LocalStorage

CACHE_BYTES = 128 << 20
"""Columns of files that one session keeps. The index has the rows of a file by trace, and a vector
of 2,048 of them lies all over it."""
_BLOCK_BYTES = 4 << 20
"""Of a file, as it is stored, that is read at once: some ten times as much in memory."""
_BLOCK_ROWS = (256, 65_536)
"""At least and at most."""
_PREFIX = "span_file_"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadFile:
    """A file whose payload can be asked for."""

    file_path: str
    info: ParquetFileInfo
    footer_digest: str
    dialect: Dialect
    row_count: int

    @property
    def block_rows(self) -> int:
        """Rows that are read at once."""
        rows = _BLOCK_BYTES * self.row_count // max(self.info.size_bytes, 1)
        return min(max(rows, _BLOCK_ROWS[0]), _BLOCK_ROWS[1])


def function_name(column: str) -> str:
    """Of SQL: (file_id, file_row_number, position_in_row) to a canonical payload column."""
    return _PREFIX + column


class PayloadFunctions:
    """What one connection's functions read, and which files they could not read."""

    def __init__(self, storage: LocalStorage, files: Mapping[int, PayloadFile]) -> None:
        self._storage, self._files = storage, files
        self._blocks: OrderedDict[tuple[int, str, int], pa.Array] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._missing: dict[tuple[int, str], Missing] = {}

    def install(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the functions in the connection's database, anew if it has them.

        Raises duckdb.Error.
        """
        for column in PAYLOAD_COLUMNS:
            with suppress(duckdb.InvalidInputException):
                connection.remove_function(function_name(column))
            connection.create_function(
                function_name(column),
                partial(self._column, column),
                cast("Any", ["INTEGER", "INTEGER", "INTEGER"]),
                cast("Any", "UBIGINT" if column in COUNT_COLUMNS else "VARCHAR"),
                type=cast("Any", "arrow"),
                null_handling=cast("Any", "special"),
            )

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Files whose payload could not be read, each with a reason, in order of their paths."""
        by_path = {one.file_path or "": one for one in self._missing.values()}
        return tuple(by_path[path] for path in sorted(by_path))

    def _column(self, name: str, file_ids: Any, rows: Any, _positions: Any) -> pa.Array:
        """The values of some rows of some files; NULL of a file that cannot be read."""
        ids, numbers = file_ids.to_numpy(), rows.to_numpy()
        bounds = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
        parts = [
            self._rows(name, int(ids[first]), numbers[first:end])
            for first, end in pairwise(bounds)
            if end > first
        ]
        return pa.concat_arrays(parts) if parts else pa.array([], column_type(name))

    def _rows(self, name: str, file_id: int, rows: Any) -> pa.Array:
        file = self._files.get(file_id)
        if file is None or (file_id, name) in self._missing:
            return pa.nulls(len(rows), column_type(name))
        blocks, inside = np.divmod(rows, file.block_rows)
        numbers, places = np.unique(blocks, return_inverse=True)
        try:
            found = [self._block(name, file_id, file, int(number)) for number in numbers]
        except IndexerError as error:
            self._missing[file_id, name] = Missing.of_error(error, file.file_path)
            return pa.nulls(len(rows), column_type(name))
        starts = np.cumsum([0, *(len(block) for block in found)])
        whole = found[0] if len(found) == 1 else pa.chunked_array(found)
        taken = whole.take(pa.array(starts[places] + inside))
        return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken

    def _block(self, name: str, file_id: int, file: PayloadFile, number: int) -> pa.Array:
        key = (file_id, name, number)
        with self._lock:
            if key in self._blocks:
                self._blocks.move_to_end(key)
                return self._blocks[key]
        first = number * file.block_rows
        rows = range(first, min(first + file.block_rows, file.row_count))
        info = find_registered(self._storage, file.info, file.footer_digest)
        block = canonical_column(self._storage, info, file.dialect, name, rows)
        with self._lock:
            self._keep(key, block)
        return block

    def _keep(self, key: tuple[int, str, int], block: pa.Array) -> None:
        if key in self._blocks:
            return
        self._blocks[key] = block
        self._bytes += block.nbytes
        while self._bytes > CACHE_BYTES and len(self._blocks) > 1:
            _, oldest = self._blocks.popitem(last=False)
            self._bytes -= oldest.nbytes
