"""Values of promoted attributes, counted over all indexed files and spans that are not indexed."""

from collections import Counter
from collections.abc import Iterable

import duckdb
import pyarrow as pa

from indexer.query.find.file_selection import overlapping
from indexer.query.find.sample import span_bounds
from indexer.query.find.span_query import SpanQuery
from indexer.system.duckdb_rows import text_literal

_ROWS_WITH = """
SELECT key, sum(value_count)::BIGINT FROM file_attributes JOIN promoted_attributes USING (key_id)
GROUP BY key HAVING sum(value_count) > 0
"""
_VALUES = """
SELECT value, sum(spans)::BIGINT AS spans, count(*) OVER ()::BIGINT AS total FROM (
    SELECT value, count(*) AS spans FROM {owned} GROUP BY value
    UNION ALL
    FROM unindexed_values
)
WHERE starts_with(value, {prefix})
GROUP BY value ORDER BY spans DESC, value LIMIT {limit}
"""
_ROWS = "SELECT value FROM indexed_attributes WHERE key_id = {key_id} AND {in_files}"
_OF_SPANS = """
SELECT value FROM indexed_attributes
SEMI JOIN (FROM indexed_spans WHERE {where}) USING (file_id, file_row_number, position_in_row)
WHERE key_id = {key_id} AND {in_files}
"""
_COPIES = "(SELECT file_id FROM parquet_files WHERE duplicate_spans > 0)"


def rows_with(cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows of all indexed files have each promoted attribute that any has.

    A span of which several files have a copy counts in each.
    """
    return dict(cursor.execute(_ROWS_WITH).fetchall())


def count_values(
    cursor: duckdb.DuckDBPyConnection,
    key_id: int,
    query: SpanQuery,
    unindexed: Iterable[str],
    *,
    prefix: str,
    limit: int,
) -> tuple[list[tuple[str, int]], int]:
    """(values with how many spans have each, the most first; how many values there are).

    Of the query its service and its bounds count. ``unindexed`` has the value of each span that
    the index lacks.
    """
    counted = Counter(unindexed)
    table = pa.table(
        {
            "value": pa.array(counted.keys(), pa.string()),
            "spans": pa.array(counted.values(), pa.int64()),
        }
    )
    owned = f"({_owned(query, key_id)})"
    sql = _VALUES.format(owned=owned, prefix=text_literal(prefix), limit=limit)
    cursor.register("unindexed_values", table)
    try:
        rows = cursor.execute(sql).fetchall()
    finally:
        cursor.unregister("unindexed_values")
    return [(value, spans) for value, spans, _ in rows], rows[0][2] if rows else 0


def _owned(query: SpanQuery, key_id: int) -> str:
    """The values of spans of the query, each once.

    All rows of a file that has no copy of another file's span are spans of their own: they need
    not be looked for among the spans, which takes ten times as long.
    """
    where = span_bounds(query)
    if where:
        held = f"SELECT file_id FROM file_services WHERE {' AND '.join(overlapping(query))}"
        in_files = f"file_id IN ({held})"
        return _OF_SPANS.format(key_id=key_id, where=" AND ".join(where), in_files=in_files)
    whole = _ROWS.format(key_id=key_id, in_files=f"file_id NOT IN {_COPIES}")
    rest = _OF_SPANS.format(key_id=key_id, where="true", in_files=f"file_id IN {_COPIES}")
    return f"{whole} UNION ALL {rest}"
