"""Prepare files for the transaction: who owns each span, and the rows to insert.

Nothing here writes. The index is only asked for the spans of traces that another file holds too,
because only those can be held twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.catalog.ownership import occurring_twice, settle_contest
from indexer.catalog.recent_files import RecentFile, RecentFiles
from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.spans.aggregates import TraceGroups, trace_groups, trace_rows
from indexer.spans.batch import ParquetFileData, SpanBatch
from indexer.spans.columns import STATUS_CODE_ERROR, SpanColumns, concatenate
from indexer.spans.identifiers import BoolArray, UInt64Array, format_hex
from indexer.spans.schema import STORED_COLUMNS
from indexer.system.duckdb_rows import arrow_table, id_list

_SPANS_OF_SHARED_TRACES = f"""
SELECT {STORED_COLUMNS}
FROM indexed_spans
WHERE file_id IN {{file_ids}} AND trace_id IN {{trace_ids}}
"""
_SPANS_OF_MANY_SHARED_TRACES = f"""
SELECT {STORED_COLUMNS}
FROM indexed_spans
SEMI JOIN shared_traces USING (trace_id)
WHERE file_id IN {{file_ids}}
"""
TRACES_LISTED_MAX = 256
"""So many traces are named in the statement; beyond, a table of them is joined (measured: 4 ms for
a few, which a list takes in 2)."""


@dataclass(frozen=True, slots=True)
class Holders:
    """The registered files, of which some are about to leave."""

    directory: TraceDirectory
    paths: Mapping[int, str]
    """Relative path of each registered file_id."""
    leaving: frozenset[int]
    recent: RecentFiles = field(default_factory=dict)
    """Those of them whose rows are in memory."""

    def is_live(self, file_id: int) -> bool:
        """Whether the file stays registered. The directory also names files long gone."""
        return file_id in self.paths and file_id not in self.leaving


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Staged:
    """Files about to be registered and what that does to files that already are."""

    files: tuple[ParquetFileData, ...]
    file_ids: npt.NDArray[np.int32]
    owned_spans: SpanColumns
    """The spans to index: those that no file with a smaller path holds."""
    owned_counts: npt.NDArray[np.int64]
    trace_keys: UInt64Array
    trace_file_ids: npt.NDArray[np.int32]
    trace_files: pa.Table
    lost: SpanColumns
    """Registered spans that a staged file takes over; ``lost_file_ids`` says from which file."""
    lost_file_ids: npt.NDArray[np.int32]


def stage(
    connection: duckdb.DuckDBPyConnection,
    batches: Sequence[SpanBatch],
    first_file_id: int,
    holders: Holders,
) -> Staged:
    """Settle who owns what among the batches and the files that stay registered."""
    files = tuple(file for batch in batches for file in batch.files)
    columns = concatenate([batch.columns for batch in batches], [len(b.files) for b in batches])
    file_ids = np.arange(first_file_id, first_file_id + len(files), dtype=np.int32)
    groups = trace_groups(columns)
    shared, registered, holder_ids = _shared_traces(connection, columns, groups, holders)
    contest = settle_contest(
        columns,
        groups.spread(shared),
        registered,
        [file.info.relative_path for file in files],
        lambda slot: holders.paths[holder_ids[slot]],
    )
    owned = np.ones(len(columns), np.bool_)
    owned[contest.staged_lost] = False
    owned_spans = columns if owned.all() else columns.take(owned)
    lost = registered.take(contest.registered_lost)
    return Staged(
        files=files,
        file_ids=file_ids,
        owned_spans=owned_spans,
        owned_counts=np.bincount(owned_spans.slot, minlength=len(files)),
        trace_keys=groups.key,
        trace_file_ids=file_ids[groups.slot],
        trace_files=trace_rows(columns, groups, owned, file_ids),
        lost=lost,
        lost_file_ids=np.array(holder_ids, np.int32)[lost.slot],
    )


def lost_rows(staged: Staged) -> pa.Table:
    """The lost spans as rows: file_id, what identifies each, and whether it was an error."""
    lost = staged.lost
    identities = lost.keys.to_arrow()
    return identities.append_column("file_id", pa.array(staged.lost_file_ids)).append_column(
        "is_error", pa.array(lost.status == STATUS_CODE_ERROR)
    )


def _shared_traces(
    connection: duckdb.DuckDBPyConnection,
    columns: SpanColumns,
    groups: TraceGroups,
    holders: Holders,
) -> tuple[BoolArray, SpanColumns, list[int]]:
    """(which groups' trace another file holds, the index's spans of those, their slots' files)."""
    shared = occurring_twice(groups.key)
    candidates = np.flatnonzero(holders.directory.known(groups.key))
    index, held_by = holders.directory.files(groups.key[candidates])
    live = np.fromiter(map(holders.is_live, held_by.tolist()), np.bool_, len(held_by))
    index, held_by = index[live], held_by[live]
    shared[candidates[index]] = True
    at = candidates[index]
    holder_ids = sorted({int(file) for file in held_by})
    recent = [holders.recent[file] for file in holder_ids if file in holders.recent]
    if len(recent) == len(holder_ids):
        return shared, _recent_spans(recent, groups.key[at]), holder_ids
    first = groups.first[at]
    trace_ids = format_hex([columns.trace_hi[first], columns.trace_lo[first]]).unique()
    return shared, _registered_spans(connection, trace_ids, holder_ids), holder_ids


def _recent_spans(recent: Sequence[RecentFile], keys: UInt64Array) -> SpanColumns:
    """What files whose rows are in memory have of the traces with these keys."""
    if not recent:
        return SpanColumns.empty()
    parts = [file.spans.take(np.isin(file.spans.trace_key, keys)) for file in recent]
    alone = [replace(part, slot=np.zeros(len(part), np.int32)) for part in parts]
    return concatenate(alone, [1] * len(alone))


def _registered_spans(
    connection: duckdb.DuckDBPyConnection, trace_ids: pa.StringArray, holder_ids: list[int]
) -> SpanColumns:
    """What the index has of these traces in files that hold some of them, and all that do."""
    file_ids = id_list(holder_ids)
    if len(trace_ids) <= TRACES_LISTED_MAX:
        listed = ", ".join(f"'{trace_id}'" for trace_id in trace_ids.to_pylist())
        sql = _SPANS_OF_SHARED_TRACES.format(file_ids=file_ids, trace_ids=f"({listed})")
        rows = arrow_table(connection, sql)
    else:
        rows = _joined(connection, file_ids, trace_ids)
    return SpanColumns.from_arrow(rows, {file_id: slot for slot, file_id in enumerate(holder_ids)})


def _joined(
    connection: duckdb.DuckDBPyConnection, file_ids: str, trace_ids: pa.StringArray
) -> pa.Table:
    connection.register("shared_traces", pa.table({"trace_id": trace_ids}))
    try:
        return arrow_table(connection, _SPANS_OF_MANY_SHARED_TRACES.format(file_ids=file_ids))
    finally:
        connection.unregister("shared_traces")
