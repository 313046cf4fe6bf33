"""Rings that SQL makes and fills: any columns, rows from INSERT."""

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from indexer.errors import QueryRefused
from indexer.live import catalog
from indexer.live.attachment import Attachment
from indexer.live.limits import RingLimits
from indexer.live.ring import Piece, Ring, Segment
from indexer.live.rows import KeptRows
from indexer.live.schema import LiveSchema, LiveTable
from indexer.system.duckdb_rows import quoted_name

DATABASE = "rings"
"""The database in memory that is attached for the first ring."""
PINNED_BYTES_MAX = 64 << 20
"""What queries may hold of rows that have left any ring made in SQL."""


class SqlRings:
    """The rings that one connection has made; ``into`` is the database that has their names."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, into: str) -> None:
        self._connection, self._into = connection, into
        self._columns: dict[str, dict[str, str]] = {}
        self._attachment: Attachment | None = None

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._columns

    def __len__(self) -> int:
        return len(self._columns)

    def create(self, name: str, columns: str, limits: RingLimits) -> None:
        """A ring with these columns, as CREATE TABLE has them, and a table of its name.

        Raises QueryRefused for constraints, and duckdb.Error.
        """
        attachment = self._attached()
        kinds, schema = self._shape(columns)
        ring, schema_of_live = Ring(limits, pa.concat_batches), attachment.schema
        reader = _ArrowReader(schema, kinds)
        key = name.lower()
        schema_of_live.add(key, ring, LiveTable(key, reader, tuple(kinds)))
        try:
            catalog.create_view(self._connection, DATABASE, schema_of_live, key, into=self._into)
        except BaseException:
            schema_of_live.remove(key)
            raise
        self._columns[key] = kinds

    def insert(self, name: str, columns: Sequence[str], query: str, parameters: Any = None) -> int:
        """Add the rows of a query, and say how many. Raises QueryRefused and duckdb.Error."""
        key = name.lower()
        kinds = self._columns[key]
        named = [column.lower() for column in columns] or [column.lower() for column in kinds]
        unknown = set(named) - {column.lower() for column in kinds}
        if unknown:
            raise QueryRefused(f"the ring {name} has no column {min(unknown)!r}", hint="")
        values = ", ".join(
            f"CAST({quoted_name(column) if column.lower() in named else 'NULL'} AS {kind}) "
            f"AS {quoted_name(column)}"
            for column, kind in kinds.items()
        )
        # The empty part names the columns, and has DuckDB refuse another number of them.
        given = ", ".join(f"NULL AS {quoted_name(column)}" for column in named)
        sql = f"SELECT {values} FROM (SELECT {given} WHERE false UNION ALL ({query}))"
        return self._append(key, sql, parameters)

    def drop(self, name: str) -> None:
        """Let go of a ring. Raises duckdb.Error."""
        key = name.lower()
        self._connection.execute(f"DROP VIEW {quoted_name(self._into)}.main.{quoted_name(key)}")
        self._attached().schema.remove(key)
        del self._columns[key]

    def close(self) -> None:
        """Let go of all rings."""
        if self._attachment is not None:
            self._attachment.close()

    def _append(self, key: str, sql: str, parameters: Any) -> int:
        """All rows of a query at once, or none where it fails."""
        snapshots = self._attached().schema.snapshots
        rows = snapshots.limits(key).segment_rows
        # DuckDB 2 runs no relation while a result of this connection is not fetched to its end.
        self._connection.execute("SELECT 1").fetchall()
        batches = list(self._connection.sql(sql, params=parameters).to_arrow_reader(rows))
        if len(batches) > 1:  # or the last row that stays might keep all others
            batches = [batch.take(pa.array(range(batch.num_rows))) for batch in batches]
        pieces = [Piece(batch, batch.num_rows, batch.nbytes) for batch in batches]
        snapshots.append(key, pieces)
        return sum(piece.rows for piece in pieces)

    def _attached(self) -> Attachment:
        if self._attachment is None:
            kept = KeptRows(0)  # rows are in the ring as they are read
            empty = LiveSchema({}, {}, pinned_bytes_max=PINNED_BYTES_MAX, kept=kept)
            self._attachment = Attachment(self._connection, DATABASE, empty)
        return self._attachment

    def _shape(self, columns: str) -> tuple[dict[str, str], pa.Schema]:
        """(SQL type by column, the same as an Arrow schema), as a table would have them."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMP TABLE ring_shape ({columns})")
            found = cursor.execute("DESCRIBE ring_shape").fetchall()
            if any(null == "NO" or key or default for _, _, null, key, default, _ in found):
                raise QueryRefused("a ring has no constraints and defaults", hint="Leave them out.")
            schema = cursor.sql("FROM ring_shape").to_arrow_table().schema
        return {name: kind for name, kind, *_ in found}, schema


class _ArrowReader:
    """Rows that came as Arrow batches."""

    def __init__(self, schema: pa.Schema, kinds: dict[str, str]) -> None:
        self.schema = schema
        self.sql_types = kinds

    def count(self, segment: Segment, skip: int) -> int:
        """How many rows a segment has but for the first ones."""
        return segment.rows - skip

    def column(self, segment: Segment, name: str) -> pa.Array:
        """All values of a segment in a column."""
        columns = [piece.content.column(name) for piece in segment.pieces]
        return columns[0] if len(columns) == 1 else pa.concat_arrays(columns)
