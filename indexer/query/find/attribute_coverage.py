"""What an answer about promoted attributes lacks: files that have not given them yet, or cannot."""

from collections.abc import Iterable, Mapping

import duckdb

from indexer.query.find.file_selection import overlapping
from indexer.query.find.span_query import SpanQuery
from indexer.query.missing import ATTRIBUTES_PENDING, ATTRIBUTES_UNREADABLE, Missing
from indexer.system.counted_nouns import counted
from indexer.system.duckdb_rows import id_list, text_literal

_NOT_GIVEN = """
SELECT count(*) FILTER (WHERE given < {keys} AND NOT refused)::BIGINT AS waiting,
       count(*) FILTER (WHERE refused)::BIGINT AS unreadable
FROM (
    SELECT file_id, count(key_id) AS given,
           coalesce(bool_or(error_type IS NOT NULL), false) AS refused
    FROM (SELECT DISTINCT file_id FROM file_services WHERE {where}) AS files
    LEFT JOIN (FROM file_attributes WHERE key_id IN {key_ids}) AS state USING (file_id)
    GROUP BY file_id
)
"""

_ALL_GIVEN = """
SELECT (SELECT count(*) FROM file_attributes WHERE key_id IN {key_ids} AND error_type IS NULL)
     = (SELECT count(*) FROM parquet_files) * {keys}
"""
"""How it is nearly always, at a quarter of the cost of asking which files."""

_BEHIND = """
SELECT count(DISTINCT file_id)
FROM parquet_files CROSS JOIN promoted_attributes
ANTI JOIN (FROM file_attributes WHERE error_type IS NULL) USING (file_id, key_id)
"""


def missing_attributes(
    cursor: duckdb.DuckDBPyConnection,
    keys: Mapping[str, int],
    query: SpanQuery,
    but: Iterable[str] = (),
) -> list[Missing]:
    """Files that may hold spans of the list and have not given these attributes, or cannot.

    ``but`` are relative paths of files that are read directly.

    Of a list of LLM traces every file may: an LLM call counts in any service, at any time.
    """
    if not keys:
        return []
    numbers = id_list(keys.values())
    ((all_given,),) = cursor.execute(_ALL_GIVEN.format(keys=len(keys), key_ids=numbers)).fetchall()
    if all_given:
        return []
    where = " AND ".join(_conditions(query, but))
    sql = _NOT_GIVEN.format(where=where, keys=len(keys), key_ids=numbers)
    ((waiting, unreadable),) = cursor.execute(sql).fetchall()
    named = ", ".join(keys)
    found = (
        (ATTRIBUTES_PENDING, waiting, counted(waiting, "file has", "files have") + " not given"),
        (ATTRIBUTES_UNREADABLE, unreadable, counted(unreadable, "file") + " cannot give"),
    )
    return [
        Missing(reason=reason, files=count, detail=f"{text} {named}")
        for reason, count, text in found
        if count
    ]


def files_behind(cursor: duckdb.DuckDBPyConnection) -> int:
    """Files that have not given all promoted attributes yet, or cannot."""
    ((count,),) = cursor.execute(_BEHIND).fetchall()
    return int(count)


def _conditions(query: SpanQuery, but: Iterable[str]) -> list[str]:
    where = ["true"]
    paths = ", ".join(text_literal(path) for path in but)
    if paths:
        files = f"SELECT file_id FROM parquet_files WHERE relative_path IN ({paths})"
        where.append(f"file_id NOT IN ({files})")
    return where if query.llm else where + overlapping(query)
