"""``otel_spans``: one canonical row a span, metadata from the index, payload from the files.

The view is written for a session that asks for it, over a time window and a bounded number of
files, and says what it covers: ``read_parquet`` takes no subquery, and binding a hundred
thousand files costs seconds. Exact nanoseconds come from the index, because DuckDB 1.5 reads a
Parquet ``timestamp[ns, UTC]`` to the microsecond. Pure: values in, SQL text out.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from indexer.read.dialect import Dialect
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.payload_sql import payload_expression
from indexer.system.duckdb_rows import text_literal

FILES_MAX = 10_000
"""Files one view covers unless asked otherwise: 0.8 s of binding on DuckDB 1.5."""

_COUNTS = {
    "flags",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    "resource_dropped_attributes_count",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFile:
    """A file that the view reads."""

    file_id: int
    file_path: str
    dialect: str
    missing_columns: tuple[str, ...]
    nested_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlViews:
    """Views that a dialect of clients makes of ``otel_spans``, in whose session they are made."""

    names: tuple[str, ...]
    statements: Callable[[Collection[str]], Sequence[str]]
    """CREATE statements of those that are named."""


def otel_spans(files: Sequence[ViewFile], dialects: dict[str, Dialect]) -> str:
    """The CREATE statement of a temporary view over exactly these files."""
    layouts: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[ViewFile]] = defaultdict(list)
    for file in files:
        layouts[(file.dialect, file.missing_columns, file.nested_columns)].append(file)
    branches = [
        _branch(dialects[name], missing, nested, members)
        for (name, missing, nested), members in sorted(layouts.items())
    ]
    body = "\nUNION ALL\n".join(branches) if branches else _empty()
    return f"CREATE OR REPLACE TEMPORARY VIEW otel_spans AS\n{body}"


def _branch(
    dialect: Dialect,
    missing: tuple[str, ...],
    nested: tuple[str, ...],
    files: Sequence[ViewFile],
) -> str:
    columns = {one.name: one for one in dialect.payload if one.name not in missing}
    payload = ",\n    ".join(
        f"({payload_expression(columns[name], nested)})::{_type(name)} AS {name}"
        if name in columns
        else f"NULL::{_type(name)} AS {name}"
        for name in PAYLOAD_COLUMNS
    )
    paths = ", ".join(text_literal(file.file_path) for file in files)
    ids = ", ".join(str(file.file_id) for file in files)
    return f"""SELECT
    spans.trace_id, spans.span_id, spans.parent_span_id, spans.service_name, spans.name,
    spans.span_kind AS kind, spans.start_time, spans.end_time, spans.start_time_unix_nano,
    spans.end_time_unix_nano, spans.duration_ns, spans.status_code, spans.is_root,
    {payload},
    files.file_path, spans.file_row_number
FROM span_metadata AS spans
JOIN parquet_files AS files ON files.file_id = spans.file_id
JOIN read_parquet(
    [{paths}],
    filename = true, file_row_number = true, union_by_name = true, hive_partitioning = false
) AS payload
    ON payload.filename = files.file_path AND payload.file_row_number = spans.file_row_number
WHERE spans.file_id IN ({ids})"""


def _empty() -> str:
    payload = ", ".join(f"NULL::{_type(name)} AS {name}" for name in PAYLOAD_COLUMNS)
    return f"""SELECT
    trace_id, span_id, parent_span_id, service_name, name, span_kind AS kind, start_time,
    end_time, start_time_unix_nano, end_time_unix_nano, duration_ns, status_code, is_root,
    {payload}, NULL::VARCHAR AS file_path, file_row_number
FROM span_metadata WHERE false"""


def _type(name: str) -> str:
    return "UBIGINT" if name in _COUNTS else "VARCHAR"
