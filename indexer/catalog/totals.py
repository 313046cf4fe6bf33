"""What the catalog holds, in numbers: summed once when it is opened, then kept by its writer.

A probe or a dashboard that asks for them costs the same whatever the size of the catalog, because
each transaction changes the sums by what it adds and removes, and looks at no other file. Only
when the file with the first or last time of all is removed, these times are read again.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Self

import duckdb
import pyarrow as pa

from indexer.contracts import schema_version
from indexer.deferred_dataclass import dataclass
from indexer.system import arrow_compute as pc
from indexer.system.duckdb_rows import arrow_table, id_list

_SUMS = """
SELECT count(*) AS files,
       coalesce(sum(owned_span_count), 0)::BIGINT AS spans,
       coalesce(sum(rejected_spans), 0)::BIGINT AS rejected_spans,
       coalesce(sum(duplicate_spans), 0)::BIGINT AS duplicate_spans,
       coalesce(sum(clamped_values), 0)::BIGINT AS clamped_values,
       coalesce(sum(size_bytes), 0)::BIGINT AS parquet_bytes,
       (SELECT count(*) FROM trace_files {where}) AS trace_files,
       min(min_time) AS min_time,
       max(max_time) AS max_time,
       max(indexed_at) AS indexed_at
FROM parquet_files {where}
"""
_COUNTS = """
SELECT (SELECT count(DISTINCT file_id) FROM parquet_files CROSS JOIN promoted_attributes
        ANTI JOIN file_attributes USING (file_id, key_id)) AS files_to_promote,
       (SELECT count(DISTINCT file_id) FROM file_attributes WHERE error_type IS NOT NULL)
           AS files_without_attributes,
       (SELECT count(*) FROM quarantined_files) AS quarantined_files,
       (SELECT count(*) FROM quarantined_files WHERE transient) AS quarantined_transient
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTotals:
    """Sums over files, and the first and last of their times; None without files.

    ``services`` are those of the whole catalog.
    """

    files: int = 0
    spans: int = 0
    rejected_spans: int = 0
    duplicate_spans: int = 0
    clamped_values: int = 0
    parquet_bytes: int = 0
    trace_files: int = 0
    min_time: datetime | None = None
    max_time: datetime | None = None
    indexed_at: datetime | None = None
    services: int = 0

    @classmethod
    def read(
        cls, connection: duckdb.DuckDBPyConnection, file_ids: Sequence[int] | None = None
    ) -> Self:
        """Of all files that are registered, or of some."""
        if file_ids is not None and not file_ids:
            return cls()
        where = "" if file_ids is None else f"WHERE file_id IN {id_list(file_ids)}"
        sums = arrow_table(connection, _SUMS.format(where=where)).to_pylist()[0]
        return cls(**sums, services=_count_services(connection))

    @classmethod
    def of_rows(cls, files: pa.Table, trace_files: int) -> Self:
        """Of rows of ``parquet_files`` and the number of their rows of ``trace_files``."""
        sums: dict[str, str] = {
            "spans": "owned_span_count",
            "parquet_bytes": "size_bytes",
            **{name: name for name in ("rejected_spans", "duplicate_spans", "clamped_values")},
        }
        outermost = {"min_time": pc.min, "max_time": pc.max, "indexed_at": pc.max}
        values: dict[str, Any] = {name: pc.sum(files[of]).as_py() or 0 for name, of in sums.items()}
        values |= {name: outer(files[name]).as_py() for name, outer in outermost.items()}
        return cls(files=files.num_rows, trace_files=trace_files, **values)

    def after(self, connection: duckdb.DuckDBPyConnection, change: "Change", services: int) -> Self:
        """The totals after a transaction that did this, asked for inside it."""
        added, removed = change.added, change.removed
        values: dict[str, Any] = {
            name: getattr(self, name) + getattr(added, name) - getattr(removed, name)
            for name in _SUMMED
        }
        values["spans"] -= change.lost_spans
        values["duplicate_spans"] += change.lost_spans
        if any(_is_same(getattr(self, name), getattr(removed, name)) for name in _OUTERMOST):
            values |= _outermost(connection)
        else:
            values |= {
                name: outer([one for one in (getattr(self, name), getattr(added, name)) if one])
                for name, outer in _OUTERMOST.items()
            }
        return replace(self, **values, services=services)


_SUMMED = (
    *("files", "spans", "rejected_spans", "duplicate_spans", "clamped_values"),
    *("parquet_bytes", "trace_files"),
)


def _first(times: Sequence[datetime]) -> datetime | None:
    return min(times, default=None)


def _last(times: Sequence[datetime]) -> datetime | None:
    return max(times, default=None)


_OUTERMOST = {"min_time": _first, "max_time": _last, "indexed_at": _last}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one transaction did to the files."""

    removed: FileTotals
    added: FileTotals = FileTotals()
    lost_spans: int = 0
    """Spans that files which stay have lost to files that came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What ``status`` says of a catalog."""

    of_files: FileTotals
    files_to_promote: int
    files_without_attributes: int
    quarantined_files: int
    quarantined_transient: int

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> Self:
        """From the catalog, in time linear in its files."""
        counts = arrow_table(connection, _COUNTS).to_pylist()[0]
        return cls(of_files=FileTotals.read(connection), **counts)

    def to_dict(self) -> dict[str, Any]:
        """Under the names of ``status --json``."""
        flat = asdict(self)
        return {**flat.pop("of_files"), **flat, "schema_version": schema_version()}


def _count_services(connection: duckdb.DuckDBPyConnection) -> int:
    ((count,),) = connection.execute("SELECT count(*) FROM services").fetchall()
    return int(count)


def _is_same(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and one == other


def _outermost(connection: duckdb.DuckDBPyConnection) -> dict[str, datetime | None]:
    sql = "SELECT min(min_time), max(max_time), max(indexed_at) FROM parquet_files"
    found = arrow_table(connection, sql)
    return {
        name: column.to_pylist()[0] for name, column in zip(_OUTERMOST, found.columns, strict=True)
    }
