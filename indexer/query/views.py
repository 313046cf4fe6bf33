"""``otel_spans``: one canonical row a span, metadata from the index, payload from the files.

The view is written for a session that asks for it, over a time window and a bounded number of
files, and says what it covers. Pure: values in, SQL text out.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from indexer.query.payload_functions import function_name
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.system.duckdb_rows import id_list


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlViews:
    """Views that a dialect of clients makes of ``otel_spans``, in whose session they are made."""

    names: tuple[str, ...]
    statements: Callable[[Collection[str]], Sequence[str]]
    """CREATE statements of those that are named."""


def otel_spans(file_ids: Sequence[int]) -> str:
    """The CREATE statement of a temporary view over exactly these files."""
    payload = ",\n    ".join(
        f"{function_name(name)}(spans.file_id, spans.file_row_number, spans.position_in_row)"
        f" AS {name}"
        for name in PAYLOAD_COLUMNS
    )
    return f"""CREATE OR REPLACE TEMPORARY VIEW otel_spans AS
SELECT
    spans.trace_id, spans.span_id, spans.parent_span_id, spans.service_name, spans.name,
    spans.span_kind AS kind, spans.start_time, spans.end_time, spans.start_time_unix_nano,
    spans.end_time_unix_nano, spans.duration_ns, spans.status_code, spans.is_root,
    {payload},
    files.file_path, spans.file_row_number
FROM span_metadata AS spans
JOIN parquet_files AS files ON files.file_id = spans.file_id
WHERE {f"spans.file_id IN {id_list(file_ids)}" if file_ids else "false"}"""
