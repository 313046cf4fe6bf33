"""The rows of one statement while DuckDB makes them: the first are read ahead, the rest as needed.

Of an answer that fits into what is read ahead, as nearly every one does, all errors come before the
first row, and what could not be read one way is read another. A larger one needs no more memory.
"""

from collections import deque
from collections.abc import Callable, Iterator

import duckdb
import pyarrow as pa

from indexer.errors import FileChanged
from indexer.system.duckdb_rows import arrow_reader

AHEAD_BYTES = 64 << 20
"""Of rows that are read before the first is given."""
PART_ROWS = 8_192
"""Of one part: 8 MB of spans with 1 KB of attributes."""
OF_THE_QUESTION = (
    *(duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException),
    *(duckdb.ConversionException, duckdb.PermissionException, duckdb.OutOfMemoryException),
    duckdb.InterruptException,
)
"""What DuckDB raises whoever reads the files. It has no one class for bytes that it cannot read."""
_CLASSES: dict[str, type[duckdb.Error]] = {
    "Conversion Error": duckdb.ConversionException,
    "Out of Range Error": duckdb.OutOfRangeException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
    "INTERRUPT Error": duckdb.InterruptException,
    "Permission Error": duckdb.PermissionException,
}
"""What DuckDB's messages begin with; Arrow, which carries its rows, has classes of its own."""


class RowStream:
    """Rows that are read once."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        sql: str,
        read_otherwise: Callable[[], None] | None = None,
    ) -> None:
        """Raises duckdb.Error.

        ``read_otherwise`` is called before the statement is run again, for rows that cannot be read
        as they are asked for now.
        """
        self._connection, self._sql = connection, sql
        self._ahead: deque[pa.RecordBatch] = deque()
        self._may_break = False
        self.is_whole = False
        """Whether every row has been read."""
        try:
            self._begin()
        except OF_THE_QUESTION:
            raise
        except duckdb.Error:
            if read_otherwise is None:
                raise
            read_otherwise()
            self._begin()
        else:
            self._may_break = read_otherwise is not None

    @property
    def schema(self) -> pa.Schema:
        """Of all parts."""
        return self._reader.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in parts. Raises duckdb.Error, and FileChanged where another way would do."""
        while self._ahead:
            yield self._ahead.popleft()
        while (batch := self._rest()) is not None:
            yield batch

    def table(self) -> pa.Table:
        """All rows. Raises as ``batches``."""
        return pa.Table.from_batches(self.batches(), self.schema)

    def _begin(self) -> None:
        self._ahead.clear()
        self._reader = arrow_reader(self._connection, self._sql, PART_ROWS)
        size = 0
        while size < AHEAD_BYTES and (batch := self._next()) is not None:
            self._ahead.append(batch)
            size += batch.nbytes

    def _rest(self) -> pa.RecordBatch | None:
        try:
            return self._next()
        except OF_THE_QUESTION:
            raise
        except duckdb.Error as error:
            if not self._may_break:
                raise
            raise FileChanged(f"a file cannot be read to its end: {error}") from error

    def _next(self) -> pa.RecordBatch | None:
        if self.is_whole:
            return None
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            self.is_whole = True
            return None
        except (pa.ArrowException, OSError) as error:
            raise _duckdb_error(str(error)) from error


def _duckdb_error(message: str) -> duckdb.Error:
    """The error that DuckDB raises itself where Arrow does not carry the rows."""
    for beginning, kind in _CLASSES.items():
        if beginning in message:
            return kind(message[message.index(beginning) :])
    return duckdb.Error(message)
