"""Payload columns of all rows of a file, some rows at a time: as they are stored, and canonical.

Who looks for a value looks at stored text first and makes canonical values, the same as in
``span_payload`` without its limits, of the rows that are left.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo
from indexer.parquet.file_columns import FileColumns
from indexer.read.canonical_columns import UNLIMITED
from indexer.read.dialect import recognise
from indexer.read.dialect_fields import Dialect, PayloadColumn
from indexer.read.normalise import JSON_COLUMNS, canonical
from indexer.read.payload import folder_payload
from indexer.read.payload_values import readings, value_of
from indexer.read.tally import Tally
from indexer.read.tempo_block import span_rows
from indexer.system.allocation import pool_of_large_buffers
from indexer.system.storage import LocalStorage

BATCH_ROWS = 4_096
"""Rows that are read at a time: of more, the memory grows while they are read, which takes a tenth
longer (measured)."""
TABLE_BYTES = 6 << 20
"""Batches are handed on together once they have so many: much of looking takes the same for few
rows as for many, and the processor's cache has room for as much."""

_ALIKE_MAX = 1_024
"""Distinct texts of one column whose value is kept: a resource repeats span after span."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PayloadTable:
    """Some rows of a file, or of spans in memory, with payload columns as they are stored."""

    table: pa.Table
    payload: Sequence[PayloadColumn]
    """The canonical columns that are asked for and that the table's columns make."""
    constants: Mapping[str, Any]
    """The value of those that it lacks, which is that of every row."""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def texts(self, name: str) -> pa.ChunkedArray | None:
        """A canonical column as it is stored, NULL for nothing; None where that is not text."""
        found = next((one for one in self.payload if one.name == name), None)
        if found is None:
            stored = self.constants[name]
            text = pa.scalar(stored if isinstance(stored, str) else None, pa.string())
            return pa.chunked_array([pa.repeat(text, len(self))])
        if not found.is_whole or found.is_member:
            return None
        column = self.table.column(self._places[found.columns[0]])
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        return column if is_text else None

    def take(self, rows: Rows) -> "PayloadTable":
        """Some of the rows, by their places here."""
        table = self.table.take(pa.array(rows, pa.int64()))
        return PayloadTable(table=table, payload=self.payload, constants=self.constants)

    def values(self, name: str) -> list[Any]:
        """The canonical values of a column; the same object for the same text."""
        found = next((one for one in self.payload if one.name == name), None)
        if found is None:
            return [canonical(name, self.constants[name])] * len(self)
        places = self._places
        columns = {
            place: reading.values(self.table.column(place), UNLIMITED)
            for place, reading in readings([found], places).items()
        }
        stored = (
            value_of(found, {place: values[at] for place, values in columns.items()}, places)
            for at in range(len(self))
        )
        return _canonical(name, stored)

    @property
    def _places(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.table.column_names)}


def payload_tables(
    storage: LocalStorage, info: ParquetFileInfo, names: Sequence[str], tally: Tally
) -> Iterator[PayloadTable]:
    """The rows of a file in order, with these canonical columns, page checksums verified.

    Raises FileError when the bytes do not decode, TransientError when they cannot be had.
    """
    path = info.relative_path
    with storage.open(info) as source:
        file = span_rows(storage, FileColumns(source, path, pool=pool_of_large_buffers()), path)
        layout = recognise(file.schema, path)
        payload = _in_file(layout.dialect, names, layout.positions)
        constants: dict[str, Any] = dict.fromkeys(names)
        constants |= folder_payload(layout.dialect, [one.name for one in payload], path)
        columns = list(dict.fromkeys(column for one in payload for column in one.columns))
        positions = [layout.positions[column] for column in columns]
        tally.bytes_read += file.stored_bytes(positions)
        if not positions:
            yield _without_columns(file.footer.row_count, constants)
            return
        for table in _together(file.batches(positions, BATCH_ROWS)):
            renamed = table.rename_columns(columns)
            yield PayloadTable(table=renamed, payload=payload, constants=constants)


def _together(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in as few tables, with no copy of them."""
    some: list[pa.Table] = []
    for batch in batches:
        some.append(batch)
        if sum(one.nbytes for one in some) >= TABLE_BYTES:
            yield pa.concat_tables(some)
            some = []
    if some:
        yield pa.concat_tables(some)


def _in_file(
    dialect: Dialect, names: Sequence[str], columns: Mapping[str, int]
) -> list[PayloadColumn]:
    found = (one.in_file(columns.keys()) for one in dialect.payload if one.name in names)
    return [one for one in found if one is not None]


def _without_columns(row_count: int, constants: Mapping[str, Any]) -> PayloadTable:
    table = pa.table({"": pa.nulls(row_count)})
    return PayloadTable(table=table, payload=(), constants=constants)


def _canonical(name: str, stored: Iterator[Any]) -> list[Any]:
    if name not in JSON_COLUMNS:
        return [canonical(name, one) for one in stored]
    alike: dict[str, Any] = {}
    values = []
    for one in stored:
        if isinstance(one, str) and one in alike:
            values.append(alike[one])
            continue
        value = canonical(name, one)
        if isinstance(one, str) and len(alike) < _ALIKE_MAX:
            alike[one] = value
        values.append(value)
    return values
