"""``otel_spans``: one canonical row a span, in one branch for each way of reading the files.

A file that was looked at is read by DuckDB itself, together with those of the same schema: its
payload, and its metadata too where all its rows are spans of the index. Of any other file, and of
each column that is not simple, the index says the metadata and the canonical reader the payload.
The view is written for a session that asks for it, over a time window and a bounded number of
files, and says what it covers. Pure: values in, SQL text out.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence

from indexer.query.payload_functions import (
    DURATION,
    END,
    NAME,
    START,
    PayloadFile,
    payload_call,
)
from indexer.query.sql_scope import OTEL_SPANS, REPLACED_SPANS, UNINDEXED_SPANS
from indexer.read.dialect_fields import Dialect
from indexer.read.normalise import COUNT_COLUMNS, empty
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.payload_sql import payload_expression
from indexer.read.scan_check import PATTERN_SIGNS
from indexer.read.whole_names import CUT_BYTES_MIN
from indexer.spans.schema import STORED_COLUMNS, same_span
from indexer.system.duckdb_rows import id_list, text_literal

BRANCHES_MAX = 64
"""Ways of reading files by DuckDB itself in one view: each is bound and planned."""

_INDEXED = f"""
    spans.trace_id, spans.span_id, spans.parent_span_id, spans.service_name,
    CASE WHEN strlen(spans.name) >= {CUT_BYTES_MIN}
        THEN coalesce({payload_call(NAME, "spans.file_id", "spans.file_row_number")}, spans.name)
        ELSE spans.name END AS name,
    spans.span_kind AS kind, spans.start_time, spans.end_time, spans.start_time_unix_nano,
    spans.end_time_unix_nano, spans.duration_ns, spans.status_code, spans.is_root"""
"""Metadata of the index; of a name that it holds the beginning of, the file says the whole."""
_ROWS = ", ".join(f"held.{name}" for name in STORED_COLUMNS.split(", "))
_SPANS = """(
    SELECT file_id, file_row_number, position_in_row, trace_id, service_name, name, span_kind,
        printf('%016x', span_id_uint64) AS span_id,
        printf('%016x', parent_span_id_uint64) AS parent_span_id,
        make_timestamptz(start_time_unix_nano // 1000) AS start_time,
        make_timestamptz(nullif(start_time_unix_nano + duration_ns, 0) // 1000) AS end_time,
        start_time_unix_nano,
        nullif(start_time_unix_nano + duration_ns, 0) AS end_time_unix_nano,
        CASE WHEN start_time_unix_nano <> 0 AND start_time_unix_nano + duration_ns <> 0
            THEN duration_ns END AS duration_ns,
        status_code, parent_span_id_uint64 IS NULL AS is_root, file_path
    FROM ({rows})
) AS spans"""
"""Rows as ``indexed_spans`` has them, as its view ``span_metadata`` says them."""
_WITHOUT_REPLACED = f"ANTI JOIN {REPLACED_SPANS} AS replaced ON {same_span('replaced', 'held')}"


def is_scannable(file: PayloadFile) -> bool:
    """Whether DuckDB itself may read something of the file."""
    return bool(file.scan.schema_digest) and not PATTERN_SIGNS.intersection(file.file_path)


def may_have_event(file: PayloadFile, name: str) -> bool:
    """Whether some span of the file may have an event of this name."""
    return file.scan.event_names is None or name in file.scan.event_names


def otel_spans(
    files: Mapping[int, PayloadFile],
    scanned: Collection[int] = (),
    name: str = OTEL_SPANS,
    unindexed: Sequence[str | None] = (),
    replaced: Collection[int] = (),
) -> str:
    """The CREATE statement of a temporary view over exactly these files.

    DuckDB itself reads those in ``scanned``, which have to be scannable. ``unindexed`` are the
    paths of what the rows of ``unindexed_spans`` are from, the first for file -1. ``replaced`` are
    files with spans of ``replaced_spans``.
    """
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for file_id in sorted(files.keys() & (set(scanned) - set(replaced))):
        alike[_way(files[file_id])].append(file_id)
    groups = sorted(alike.values(), key=len, reverse=True)[:BRANCHES_MAX]
    read = {file_id for group in groups for file_id in group}
    branches = [_scan([(file_id, files[file_id]) for file_id in group]) for group in groups]
    others = [file_id for file_id in sorted(files) if file_id not in read]
    if others or unindexed or not branches:
        branches.append(_canonical(others, unindexed, is_replaced=bool(replaced)))
    body = "\nUNION ALL\n".join(branches)
    return f"CREATE OR REPLACE TEMPORARY VIEW {name} AS\n{body}"


def _way(file: PayloadFile) -> Hashable:
    """Files for which it is the same are read in one scan."""
    scan = file.scan
    ways = (scan.schema_digest, scan.stored, scan.rewritten, scan.empty)
    return file.dialect.name, ways, file.is_whole and scan.has_metadata, file.absent, file.nested


def _canonical(
    file_ids: Sequence[int], unindexed: Sequence[str | None], *, is_replaced: bool
) -> str:
    """Metadata of rows of the index and of those that it lacks, and the payload by functions.

    Their union is below all that is made of it, so that DuckDB binds that once. Its first column
    is a number: DuckDB 1.5 reads the first where a question needs none.
    """
    parts = [_of_index(file_ids, is_replaced=is_replaced)] if file_ids or not unindexed else []
    parts += [_beside_index(unindexed)] if unindexed else []
    rows = "\n        UNION ALL\n".join(parts)
    row = "spans.file_row_number"
    if unindexed:  # hot spans have no path and no row
        row = f"CASE WHEN spans.file_path IS NOT NULL THEN {row} END AS file_row_number"
    return f"""SELECT{_INDEXED},
    {_payload_of_functions()},
    spans.file_path, {row}
FROM {_SPANS.format(rows=rows)}"""


def _of_index(file_ids: Sequence[int], *, is_replaced: bool) -> str:
    return f"""
        SELECT {_ROWS}, files.file_path FROM indexed_spans AS held
        JOIN parquet_files AS files ON files.file_id = held.file_id
        {_WITHOUT_REPLACED if is_replaced else ""}
        WHERE {f"held.file_id IN {id_list(file_ids)}" if file_ids else "false"}"""


def _beside_index(paths: Sequence[str | None]) -> str:
    listed = ", ".join("NULL" if path is None else text_literal(path) for path in paths)
    path = f"list_extract([{listed}]::VARCHAR[], -held.file_id)"
    return f"""
        SELECT {_ROWS}, {path} AS file_path FROM {UNINDEXED_SPANS} AS held"""


def _payload_of_functions() -> str:
    place = ("spans.file_id", "spans.file_row_number", "spans.position_in_row")
    return ",\n    ".join(f"{payload_call(name, *place)} AS {name}" for name in PAYLOAD_COLUMNS)


def _scan(files: Sequence[tuple[int, PayloadFile]]) -> str:
    """Files of one schema, read by DuckDB."""
    (_, first), ids = files[0], ", ".join(str(file_id) for file_id, _ in files)
    paths = ", ".join(text_literal(file.file_path) for _, file in files)
    file_id = f"[{ids}][payload.file_index::BIGINT + 1]::INTEGER"
    row = "payload.file_row_number::INTEGER"
    null_free = set(PAYLOAD_COLUMNS).intersection(*(file.scan.null_free for _, file in files))
    columns = ",\n    ".join(
        f"{_payload(first, name, null_free, (file_id, row))} AS {name}" for name in PAYLOAD_COLUMNS
    )
    source = f"read_parquet([{paths}], hive_partitioning = false) AS payload"
    if first.is_whole and first.scan.has_metadata:
        return f"""SELECT{_of_file(first.dialect, (file_id, row))},
    {columns},
    payload.filename AS file_path, {row} AS file_row_number
FROM {source}"""
    return f"""SELECT{_INDEXED},
    {columns},
    payload.filename AS file_path, spans.file_row_number
FROM span_metadata AS spans
JOIN {source}
    ON {file_id} = spans.file_id AND payload.file_row_number = spans.file_row_number
WHERE spans.file_id IN ({ids})"""


def _of_file(dialect: Dialect, place: tuple[str, str]) -> str:
    """Metadata of the file's own columns; of times the functions say all digits."""
    column = {field.name: f"payload.{_quoted(field.column)}" for field in dialect.fields}
    parent = f"nullif({column['parent_span_id']}, '')"
    start, end = payload_call(START, *place), payload_call(END, *place)
    return f"""
    {column["trace_id"]}::VARCHAR AS trace_id, {column["span_id"]}::VARCHAR AS span_id,
    {parent}::VARCHAR AS parent_span_id, {column["service_name"]}::VARCHAR AS service_name,
    {column["name"]}::VARCHAR AS name, {column["span_kind"]}::TINYINT AS kind,
    make_timestamptz({start} // 1000) AS start_time, make_timestamptz({end} // 1000) AS end_time,
    {start} AS start_time_unix_nano, {end} AS end_time_unix_nano,
    {payload_call(DURATION, *place)} AS duration_ns,
    {column["status_code"]}::TINYINT AS status_code, {parent} IS NULL AS is_root"""


def _payload(
    file: PayloadFile, name: str, null_free: Collection[str], place: tuple[str, str]
) -> str:
    """One payload column of files that are alike."""
    kind = "UBIGINT" if name in COUNT_COLUMNS else "VARCHAR"
    if name in file.absent:
        return f"NULL::{kind}"
    scan = file.scan
    known = {one.name: one for one in file.dialect.payload}
    if name in scan.empty:
        return "'[]'"
    if name in scan.rewritten:
        return f"({payload_expression(known[name], file.nested)})::VARCHAR"
    if name not in scan.stored:
        return payload_call(name, *place)
    column = f"payload.{_quoted(known[name].columns[0])}::{kind}"
    may_lack = known[name].null_is_empty and name not in null_free
    nothing = empty(name) if may_lack else None
    return column if nothing is None else f"coalesce({column}, '{nothing}')"


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
