"""Which files, and which spans, the index has by the transaction that asks."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from indexer.catalog.trace_directory import TraceDirectory
from indexer.spans.columns import IntArray
from indexer.spans.identifiers import BoolArray
from indexer.spans.identity import SpanKeys
from indexer.spans.schema import same_span
from indexer.system.duckdb_rows import arrow_table, id_list, text_literal
from indexer.system.storage import LocalStorage

Fetch = Callable[[str], Sequence[tuple[Any, ...]]]
"""The rows of a statement."""
_NO_KEY = -1
REPLACED_SPANS = "replaced_spans"
"""Identities of rows that do not count, as a table of a cursor."""

_KNOWN_FILES = """
SELECT relative_path FROM parquet_files WHERE relative_path IN ({paths}) AND {given} = (
    SELECT count(*) FROM file_attributes
    WHERE file_attributes.file_id = parquet_files.file_id AND key_id IN {key_ids}
)
"""
_FILES_OF_TRACES = """
SELECT DISTINCT trace_files.file_id FROM asked_spans JOIN trace_files USING (trace_id)
"""
_KNOWN_SPANS = f"""
SELECT DISTINCT asked.position FROM asked_spans AS asked
JOIN trace_files USING (trace_id)
JOIN indexed_spans AS held ON held.file_id = trace_files.file_id
  AND {same_span("held", "asked")}
WHERE held.file_id IN {{files}}
"""


def known_files(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    paths: Iterable[str],
    key_ids: Collection[int] = (),
    fetch: Fetch | None = None,
) -> Callable[[str], bool]:
    """Which absolute paths the index has, by the transaction that the cold answer is from.

    With the numbers of promoted attributes: and has asked for these. ``fetch`` may know the rows
    of the statement.

    Not by the writer's memory: a file that is registered after the transaction began is in
    neither the cold answer nor, were it called known, in the recent one.
    """
    relative = {path: storage.relative(path) for path in paths}
    asked = ", ".join(text_literal(one) for one in relative.values() if one is not None)
    sql = _KNOWN_FILES.format(
        paths=asked, given=len(key_ids), key_ids=id_list(key_ids or (_NO_KEY,))
    )
    fetch = fetch or (lambda statement: cursor.execute(statement).fetchall())
    held = {path for (path,) in fetch(sql)} if asked else set()
    return lambda path: relative.get(path) in held


@contextmanager
def registered_replaced(cursor: duckdb.DuckDBPyConnection, keys: SpanKeys) -> Iterator[None]:
    """Statements of the cursor may name ``replaced_spans`` meanwhile."""
    cursor.register(REPLACED_SPANS, keys.to_arrow())
    try:
        yield
    finally:
        cursor.unregister(REPLACED_SPANS)


def known_spans(
    cursor: duckdb.DuckDBPyConnection, keys: SpanKeys, directory: TraceDirectory | None = None
) -> BoolArray:
    """Which of the spans the index has.

    Its spans are read of the files that have one of the traces, which new traces mostly are in
    none of: half of the time that a look at all takes (measured). The writer's ``directory`` rules
    most out, without a question to DuckDB.
    """
    if directory is not None:
        maybe = _in_known_traces(directory, keys)
        known = np.zeros(len(keys), np.bool_)
        known[maybe] = known_spans(cursor, keys.take(maybe))
        return known
    known = np.zeros(len(keys), np.bool_)
    if len(keys):
        asked = keys.to_arrow().append_column("position", pa.array(np.arange(len(keys))))
        cursor.register("asked_spans", asked)
        try:
            files = [file_id for (file_id,) in cursor.execute(_FILES_OF_TRACES).fetchall()]
            if files:
                found = arrow_table(cursor, _KNOWN_SPANS.format(files=id_list(files)))
                known[found.column(0).to_numpy()] = True
        finally:
            cursor.unregister("asked_spans")
    return known


def _in_known_traces(directory: TraceDirectory, keys: SpanKeys) -> IntArray:
    """Positions of the spans whose trace some file may have.

    Spans of a trace stand side by side mostly, and its trace is looked up once for them.
    """
    traces = keys.trace_key
    begins = np.ones(len(traces), np.bool_)
    begins[1:] = traces[1:] != traces[:-1]
    is_known = directory.known(traces[begins])
    return np.flatnonzero(is_known[np.cumsum(begins) - 1])
