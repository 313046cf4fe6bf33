"""The columns of one Parquet file, read by their position in its schema.

A name does not do: two columns may have one, or names that differ in case alone, and a name with a
dot is the beginning of a path for pyarrow. Page checksums are verified, and rows are counted: at a
page without values, which is allowed, pyarrow ends its row group.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

import pyarrow as pa

from indexer.errors import CorruptPage, FileEncrypted, FileError, FooterUnreadable
from indexer.model import FileFooter
from indexer.parquet.column_chunks import RowGroup, chunk_sizes, encrypted_columns, row_groups
from indexer.parquet.decode_errors import decoding
from indexer.parquet.footer import digest_of, footer_bytes
from indexer.parquet.int96 import COARSE_UNIT, saturate
from indexer.parquet.plain_types import plain_table
from indexer.parquet.schema_facts import SchemaFacts, known_facts, new_facts

if TYPE_CHECKING:  # questions that open no file do not load it
    import pyarrow.parquet as pq


class FileColumns:
    """A file that is open for reading."""

    def __init__(
        self,
        source: pa.NativeFile,
        path: str,
        *,
        text_columns: Sequence[str] = (),
        pool: pa.MemoryPool | None = None,
    ) -> None:
        """``text_columns``, where the file has them, come dictionary-encoded if they are stored so.

        What is read lies in the ``pool``, or in Arrow's own.

        Raises FooterUnreadable, FileEncrypted for an encrypted footer, and FileUnreadable when the
        bytes cannot be had.
        """
        self._source, self._path, self._pool = source, path, pool
        with decoding(path, refusal=FooterUnreadable):
            self._footer = footer_bytes(source, path)
            self._reader, facts = self._opened(tuple(text_columns))
            self._metadata = metadata = self._reader.metadata
            self._facts = facts
            self.schema: pa.Schema = facts.schema
            self.footer = FileFooter(
                row_count=metadata.num_rows,
                row_group_count=metadata.num_row_groups,
                footer_digest=digest_of(self._footer),
                columns=facts.names,
            )
        if (facts.leaves[-1].stop if facts.leaves else 0) != metadata.num_columns:
            raise FooterUnreadable(
                "the columns of the schema differ from those of the footer", path=path
            )
        if self.footer.row_count < 0:
            raise FooterUnreadable("the footer has a negative row count", path=path)

    @property
    def schema_digest(self) -> str:
        """Of names, types and order of all columns as Parquet has them."""
        _, _, text = str(self._metadata.schema).partition("\n")
        return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

    @property
    def group_rows(self) -> tuple[int, ...]:
        """Rows of each row group."""
        groups = range(self._metadata.num_row_groups)
        return tuple(self._metadata.row_group(group).num_rows for group in groups)

    @property
    def leaf_paths(self) -> tuple[str, ...]:
        """The path of each column of values, as Parquet has them."""
        return self._facts.leaf_paths

    def leaf_bytes(self, leaves: Sequence[int], groups: Sequence[int]) -> int:
        """Compressed bytes of these columns of values in these row groups. Raises CorruptPage.

        pyarrow makes statistics for each of them, and ends the process where those are damaged.
        """
        sizes = self._chunk_sizes
        return sum(sizes[group][leaf] for group in groups for leaf in leaves)

    def leaf_batches(
        self, leaves: Sequence[int], rows_max: int, groups: Sequence[int]
    ) -> Iterator[pa.RecordBatch]:
        """These columns of values of the rows of some groups, so many rows at a time.

        Of what they are nested in, nothing else is there. Raises CorruptPage, FileUnreadable.
        """
        group_rows, found = self.group_rows, 0
        with decoding(self._path):
            for batch in self._reader.iter_batches(
                rows_max, row_groups=groups, column_indices=leaves, use_threads=False
            ):
                found += batch.num_rows
                if self._facts.is_read_plain:
                    yield batch
                else:
                    yield from plain_table(pa.Table.from_batches([batch])).to_batches()
            self._check_rows(found, sum(group_rows[group] for group in groups))

    def read(self, positions: Sequence[int]) -> pa.Table:
        """These columns of all rows, in this order.

        Raises FileEncrypted, CorruptPage, FileUnreadable.
        """
        leaves = self._leaves_of(positions)
        with self._decoding(positions):
            try:
                table = self._reader.read_all(column_indices=leaves, use_threads=False)
            except (pa.ArrowException, OSError):
                if not self._facts.coded:
                    raise
                # Texts in some encodings cannot come dictionary-encoded.
                plain = self._open((), self._metadata)
                table = plain.read_all(column_indices=leaves, use_threads=False)
            if not self._facts.int96.isdisjoint(leaves):
                coarse = self._open((), self._metadata, COARSE_UNIT)
                read = coarse.read_all(column_indices=leaves, use_threads=False)
                table = saturate(table, read)
            self._check_rows(table.num_rows, self.footer.row_count)
            return self._in_order(table, positions)

    def read_row_group(self, group: int, positions: Sequence[int]) -> pa.Table:
        """These columns of the rows of one group. Raises like ``read``."""
        with self._decoding(positions):
            table = self._reader.read_row_group(
                group, column_indices=self._leaves_of(positions), use_threads=False
            )
            self._check_rows(table.num_rows, self._metadata.row_group(group).num_rows)
            return self._in_order(table, positions)

    def batches(self, positions: Sequence[int], rows_max: int) -> Iterator[pa.Table]:
        """These columns of all rows, so many rows at a time. Raises like ``read``."""
        groups, found = range(self.footer.row_group_count), 0
        with self._decoding(positions):
            for batch in self._reader.iter_batches(
                rows_max,
                row_groups=groups,
                column_indices=self._leaves_of(positions),
                use_threads=False,
            ):
                found += batch.num_rows
                yield self._in_order(pa.Table.from_batches([batch]), positions)
            self._check_rows(found, self.footer.row_count)

    def stored_bytes(self, positions: Sequence[int]) -> int:
        """What these columns take in the file, compressed. Raises like ``read``."""
        with self._decoding(positions):
            return self.leaf_bytes(self._leaves_of(positions), range(self._metadata.num_row_groups))

    def encrypted_columns(self) -> dict[int, str]:
        """The names, by position, of the columns that are encrypted. Raises CorruptPage."""
        return encrypted_columns(self._row_groups)

    @cached_property
    def _chunk_sizes(self) -> list[list[int]]:
        found, said = chunk_sizes(self._footer, self._path), self._metadata
        if list(map(len, found)) != [said.num_columns] * said.num_row_groups:
            raise CorruptPage("a row group lacks a column", path=self._path)
        return found

    @cached_property
    def _row_groups(self) -> list[RowGroup]:
        return row_groups(self._footer, self._path)

    def _opened(self, text_columns: tuple[str, ...]) -> "tuple[pq.ParquetReader, SchemaFacts]":
        """The file, opened once where one like it was seen, and what its schema says."""
        known = known_facts(self._footer, text_columns)
        parquet = self._open(() if known is None else known.coded)
        if known is not None and known.are_of(parquet.metadata):
            return parquet, known
        metadata = parquet.metadata
        paths = {metadata.schema.column(at).path for at in range(metadata.num_columns)}
        coded = tuple(name for name in text_columns if name in paths)
        parquet = self._open(coded, metadata)
        return parquet, new_facts(self._footer, metadata, text_columns, coded, parquet.schema_arrow)

    def _open(
        self,
        coded: Sequence[str],
        metadata: "pq.FileMetaData | None" = None,
        int96_unit: str | None = None,
    ) -> "pq.ParquetReader":
        import pyarrow.parquet as pq  # noqa: PLC0415 - see above

        reader = pq.ParquetReader(self._pool)
        reader.open(
            self._source,
            metadata=metadata,
            page_checksum_verification=True,
            pre_buffer=False,  # for distant storage: costs 0.2 ms a file on a disk (measured)
            read_dictionary=list(coded),
            coerce_int96_timestamp_unit=int96_unit,
            arrow_extensions_enabled=True,
        )
        return reader

    def _in_order(self, table: pa.Table, positions: Sequence[int]) -> pa.Table:
        """Of plain types; pyarrow gives them in the order of the file, whatever was asked for."""
        stored = sorted(positions)
        if stored != list(positions):
            place = {position: at for at, position in enumerate(stored)}
            table = table.select([place[position] for position in positions])
        return table if self._facts.is_read_plain else plain_table(table)

    def _check_rows(self, found: int, said: int) -> None:
        if found != said:
            raise CorruptPage(f"{found} rows, the footer says {said}", path=self._path)

    def _leaves_of(self, positions: Sequence[int]) -> list[int]:
        return [leaf for position in sorted(positions) for leaf in self._facts.leaves[position]]

    @contextmanager
    def _decoding(self, positions: Sequence[int]) -> Iterator[None]:
        """Whatever pyarrow raises leaves as what it means for these columns."""
        try:
            with decoding(self._path):
                yield
        except CorruptPage as error:
            raise self._encryption_of(positions) or error from error

    def _encryption_of(self, positions: Sequence[int]) -> FileError | None:
        encrypted = self.encrypted_columns()
        names = [encrypted[position] for position in positions if position in encrypted]
        return FileEncrypted.of_columns(names, self._path) if names else None


def read_footer(source: pa.NativeFile, relative_path: str) -> FileFooter:
    """The footer's facts alone. Raises like ``FileColumns``."""
    return FileColumns(source, relative_path).footer
