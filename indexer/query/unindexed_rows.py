"""Spans beside the index as rows of one session of SQL: of recent files, hot, and published ones.

They are read as for any other answer. Of several copies of a span the published one counts, then
that of the index, then that of the file with the smallest path, then the hot one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

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
from indexer.query.sql_scope import REPLACED_SPANS, UNINDEXED_SPANS, Unindexed
from indexer.query.tiers.hot_spans import METADATA_COLUMNS, hot_columns
from indexer.query.tiers.recent_files import read_recent_files
from indexer.query.tiers.unindexed_spans import UnindexedSpans
from indexer.spans.columns import SpanColumns, concatenate
from indexer.spans.identifiers import format_hex
from indexer.spans.identity import SpanKeys
from indexer.spans.schema import same_span
from indexer.system.storage import LocalStorage

_FILES = f"""
SELECT DISTINCT held.file_id FROM {REPLACED_SPANS} AS asked
JOIN trace_files USING (trace_id)
JOIN indexed_spans AS held ON held.file_id = trace_files.file_id AND {same_span("held", "asked")}
"""
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
        found, missing = _recent(connection, storage, unindexed.recent_paths)
        published: list[_Part] = []
        for parts, columns in ((found, unindexed.hot), (published, unindexed.published)):
            try:
                parts.extend([] if columns is None else [_in_memory(columns)])
            except IndexerError as error:
                missing = (*missing, Missing.of_error(error))
        found = [one for one in found if _is_within(one.columns, is_within)]
        published = [one for one in published if _is_within(one.columns, is_within)]
        replaced: frozenset[int] = frozenset()
        rows = [one.columns for one in found]
        if published:
            keys = published[0].columns.keys
            replaced = _register_replaced(connection, keys)
            rows = [one.take(~np.isin(one.keys.hashes, keys.hashes)) for one in rows]
        if found or published:
            beside = [unindexed_spans(connection, rows)] if rows else []
            beside += [one.columns for one in published]
            every = concatenate(beside, [len(rows), 1] if rows else [1])
            ids = -1 - np.arange(len(found) + len(published), dtype=np.int32)
            connection.register(UNINDEXED_SPANS, _plain(every.to_arrow(ids)))
        sources = {-at: one.source for at, one in enumerate([*found, *published], 1)}
        return cls(sources=sources, missing=missing, replaced=replaced)


@dataclass(frozen=True, slots=True)
class _Part:
    columns: SpanColumns
    source: PayloadSource


def _recent(
    connection: duckdb.DuckDBPyConnection, storage: LocalStorage, paths: Sequence[str]
) -> tuple[list[_Part], tuple[Missing, ...]]:
    """Spans of those files that the catalog of the session does not have either."""
    known = known_files(connection, storage, paths)
    recent = read_recent_files(storage, [path for path in paths if not known(path)])
    return [_Part(one.columns, _file(one)) for one in recent.files], recent.missing


def _in_memory(columns: HotColumns) -> _Part:
    table = columns(METADATA_COLUMNS)
    return _Part(hot_columns(table), HotPayload(columns=columns, row_count=table.num_rows))


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


def _plain(table: pa.Table) -> pa.Table:
    """Texts without their dictionaries, which the two sides of a UNION need not share."""
    columns = [
        column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))
