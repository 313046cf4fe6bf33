"""Spans beside the index as rows of one session of SQL: of recent files, hot, and published ones.

They are read as for any other answer. Of several copies of a span the published one counts, then
that of the index, then that of the file with the smallest path, then the hot one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.query.find.already_indexed import known_files, known_spans
from indexer.query.missing import Missing
from indexer.query.payload_functions import HotColumns, HotPayload, PayloadFile, PayloadSource
from indexer.query.service_list import unindexed_spans
from indexer.query.span import DataFile
from indexer.query.sql_scope import REPLACED_SPANS, UNINDEXED_SPANS, HandedOver, Unindexed
from indexer.query.tiers.hot_spans import METADATA_COLUMNS, hot_columns
from indexer.query.tiers.recent_files import read_recent_files
from indexer.query.tiers.unindexed_spans import UnindexedSpans
from indexer.spans.columns import SpanColumns, concatenate
from indexer.spans.identifiers import format_hex
from indexer.spans.identity import SpanKeys
from indexer.spans.schema import same_span
from indexer.system import arrow_compute as pc
from indexer.system.storage import LocalStorage

_FILES = f"""
SELECT DISTINCT held.file_id FROM {REPLACED_SPANS} AS asked
JOIN trace_files USING (trace_id)
JOIN indexed_spans AS held ON held.file_id = trace_files.file_id AND {same_span("held", "asked")}
"""
_PATH = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
T = TypeVar("T")
IsWithin = Callable[[int, int], bool]
"""Whether spans from the first start to the last end, in nanoseconds since 1970, are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnindexedRows:
    """The rows, and what their payload is read from."""

    sources: Mapping[int, PayloadSource] = field(default_factory=dict)
    """By ``file_id``: -1 and below."""
    missing: tuple[Missing, ...] = ()
    replaced: frozenset[int] = frozenset()
    """Files of the index with spans that a published record replaces."""

    @property
    def paths(self) -> list[str | None]:
        """Of the sources, from -1 downwards; None of hot spans."""
        return [source.file_path for source in self.sources.values()]

    @classmethod
    def register(
        cls,
        connection: duckdb.DuckDBPyConnection,
        storage: LocalStorage,
        unindexed: Unindexed,
        is_within: IsWithin,
    ) -> "UnindexedRows":
        """The rows of the sources within the bounds become a table of the session.

        It is there where there are sources. Raises duckdb.Error.
        """
        if not (unindexed.recent_paths or unindexed.hot or unindexed.published):
            return cls()
        recent, missing = _recent(connection, storage, unindexed.recent_paths)
        hot, no_hot = _given(partial(_hot, unindexed.hot))
        published, no_published = _given(partial(_published, unindexed.published))
        parts = [one for one in recent if _is_within(one.columns, is_within)]
        if hot is not None and not hot.is_within(is_within):
            hot = None
        if published is not None and not _is_within(published.columns, is_within):
            published = None
        replaced: frozenset[int] = frozenset()
        if hot is not None and not parts and published is None and hot.is_lacking(connection):
            connection.register(UNINDEXED_SPANS, hot.rows)
        elif parts or hot is not None or published is not None:
            every = [*parts, *([] if hot is None else [hot.part()])]
            replaced = _register(connection, [one.columns for one in every], published)
        sources = [*parts, *(one for one in (hot, published) if one is not None)]
        return cls(
            sources={-at: one.source for at, one in enumerate(sources, 1)},
            missing=(*missing, *no_hot, *no_published),
            replaced=replaced,
        )


@dataclass(frozen=True, slots=True)
class _Part:
    columns: SpanColumns
    source: PayloadSource


@dataclass(frozen=True, slots=True)
class _Hot:
    """Rows of the index that the worker has made, numbered as of the only source."""

    rows: pa.Table
    lacking_in: str | None
    source: HotPayload

    def is_within(self, is_within: IsWithin) -> bool:
        if not self.rows.num_rows:
            return False
        start = self.rows["start_time_unix_nano"]
        end = pc.add(start, self.rows["duration_ns"])
        return is_within(pc.min(start).as_py(), pc.max(end).as_py())

    def is_lacking(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether the session's catalog is known to have none of them."""
        ((path,),) = connection.execute(_PATH).fetchall()
        return self.lacking_in is not None and path == self.lacking_in

    def part(self) -> _Part:
        """The same as columns, to be told apart from others."""
        return _Part(SpanColumns.from_arrow(self.rows, {-1: 0}), self.source)


def _given(read: Callable[[], T]) -> tuple[T | None, tuple[Missing, ...]]:
    """What is read, or why it cannot be."""
    try:
        return read(), ()
    except IndexerError as error:
        return None, (Missing.of_error(error),)


def _recent(
    connection: duckdb.DuckDBPyConnection, storage: LocalStorage, paths: Sequence[str]
) -> tuple[list[_Part], tuple[Missing, ...]]:
    """Spans of those files that the catalog of the session does not have either."""
    known = known_files(connection, storage, paths)
    recent = read_recent_files(storage, [path for path in paths if not known(path)])
    return [_Part(one.columns, _file(one)) for one in recent.files], recent.missing


def _hot(given: HandedOver | None) -> _Hot | None:
    if given is None:
        return None
    rows = given.rows()
    payload = HotPayload(columns=given.columns, row_count=sum(count for _, count in rows.parts))
    return _Hot(_numbered(rows.parts), rows.lacking_in, payload)


def _numbered(parts: Sequence[tuple[pa.Table, int]]) -> pa.Table:
    """All parts as one table of the only source, whose rows are numbered throughout."""
    ends = np.cumsum([count for _, count in parts], dtype=np.int32)
    rows = [
        table["file_row_number"].to_numpy() + (end - np.int32(count))
        for (table, count), end in zip(parts, ends, strict=True)
    ]
    every = pa.concat_tables(table for table, _ in parts)
    file_ids = np.full(every.num_rows, -1, np.int32)
    for name, values in (("file_id", file_ids), ("file_row_number", np.concatenate(rows))):
        every = every.set_column(every.schema.get_field_index(name), name, pa.array(values))
    return every


def _published(columns: HotColumns | None) -> _Part | None:
    if columns is None:
        return None
    table = columns(METADATA_COLUMNS)
    return _Part(hot_columns(table), HotPayload(columns=columns, row_count=table.num_rows))


def _register(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[SpanColumns], published: _Part | None
) -> frozenset[int]:
    """Each span of all of them once becomes a row; files with spans that published ones replace."""
    replaced: frozenset[int] = frozenset()
    beside: list[SpanColumns] = []
    if published is not None:
        keys = published.columns.keys
        replaced = _register_replaced(connection, keys)
        parts = [one.take(~np.isin(one.keys.hashes, keys.hashes)) for one in parts]
        beside = [published.columns]
    if parts:
        beside = [unindexed_spans(connection, parts), *beside]
    every = concatenate(beside, [len(parts), 1] if parts else [1])
    ids = -1 - np.arange(len(parts) + len(beside), dtype=np.int32)
    connection.register(UNINDEXED_SPANS, every.to_arrow(ids))
    return replaced


def _register_replaced(
    connection: duckdb.DuckDBPyConnection, published: SpanKeys
) -> frozenset[int]:
    """Those of the spans that the index has become a table of the session; and their files."""
    keys = published.take(known_spans(connection, published))
    table = keys.to_arrow().append_column("span_id", format_hex([keys.span_id]))
    connection.register(REPLACED_SPANS, table)
    return frozenset(file_id for (file_id,) in connection.execute(_FILES).fetchall())


def _file(spans: UnindexedSpans) -> PayloadFile:
    source, rows = spans.source, spans.columns.row
    assert isinstance(source, DataFile)  # noqa: S101 - recent spans are of a file
    return PayloadFile(
        file_path=source.path,
        info=source.info,
        footer_digest=None,
        dialect=source.dialect,
        row_count=int(rows.max()) + 1 if len(rows) else 0,
    )


def _is_within(spans: SpanColumns, is_within: IsWithin) -> bool:
    if not len(spans):
        return False
    return is_within(int(spans.start.min()), int((spans.start + spans.duration).max()))
