"""Spans that the index does not have, as rows of one session of SQL: of recent files, and hot ones.

They are read as for any other answer. Of several copies of a span that of the index counts, then
that of the file with the smallest path, then the hot one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from indexer.errors import IndexerError
from indexer.query.find.already_indexed import known_files
from indexer.query.missing import Missing
from indexer.query.payload_functions import HotColumns, HotPayload, PayloadFile, PayloadSource
from indexer.query.service_list import unindexed_spans
from indexer.query.span import DataFile
from indexer.query.tiers.hot_spans import METADATA_COLUMNS, hot_columns
from indexer.query.tiers.recent_files import read_recent_files
from indexer.query.tiers.unindexed_spans import UnindexedSpans
from indexer.query.views import UNINDEXED_SPANS
from indexer.spans.columns import SpanColumns
from indexer.system.storage import LocalStorage

IsWithin = Callable[[int, int], bool]
"""Whether spans from the first start to the last end, in nanoseconds since 1970, are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unindexed:
    """What the hot tier said before the catalog of the session was as it is."""

    recent_paths: Sequence[str] = ()
    """Absolute, newest first, of files that the index may not have."""
    hot: HotColumns | None = None
    """None without hot spans."""


NOTHING_UNINDEXED = Unindexed()
"""Of a catalog without a worker, which has all that there is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnindexedRows:
    """The rows, and what their payload is read from."""

    sources: Mapping[int, PayloadSource] = field(default_factory=dict)
    """By ``file_id``: -1 and below."""
    missing: tuple[Missing, ...] = ()

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
        if not unindexed.recent_paths and unindexed.hot is None:
            return cls()
        columns, sources, missing = _recent(connection, storage, unindexed.recent_paths)
        if unindexed.hot is not None:
            try:
                hot = unindexed.hot(METADATA_COLUMNS)
                columns.append(hot_columns(hot))
                sources.append(HotPayload(columns=unindexed.hot, row_count=hot.num_rows))
            except IndexerError as error:
                missing = (*missing, Missing.of_error(error))
        chosen = [at for at, part in enumerate(columns) if _is_within(part, is_within)]
        if chosen:
            rows = unindexed_spans(connection, [columns[at] for at in chosen])
            ids = -1 - np.arange(len(chosen), dtype=np.int32)
            connection.register(UNINDEXED_SPANS, _plain(rows.to_arrow(ids)))
        return cls(
            sources={-number: sources[at] for number, at in enumerate(chosen, 1)},
            missing=missing,
        )


def _recent(
    connection: duckdb.DuckDBPyConnection, storage: LocalStorage, paths: Sequence[str]
) -> tuple[list[SpanColumns], list[PayloadSource], tuple[Missing, ...]]:
    """Spans of those files that the catalog of the session does not have either."""
    known = known_files(connection, storage, paths)
    recent = read_recent_files(storage, [path for path in paths if not known(path)])
    columns = [one.columns for one in recent.files]
    return columns, [_file(one) for one in recent.files], recent.missing


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
