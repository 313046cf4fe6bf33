"""Lists of the index alone, a declaration each: its route, its command and its rows."""

from typing import TYPE_CHECKING, Any

from indexer.deferred_dataclass import dataclass

if TYPE_CHECKING:  # the command line reads the declarations and loads no engine
    import duckdb


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexList:
    """What one list is called, what it shows, and where its rows come from."""

    name: str
    """Of the command, and of the route ``/<name>``."""
    rows: str
    """What its rows are, and in which order."""
    sql: str
    """Over the tables of the catalog, with the parameter ``$limit``."""


LISTS = (
    IndexList(
        name="files",
        rows="indexed files, newest first",
        sql="""
SELECT file_path, service_name, min_time, max_time, row_count, size_bytes, dialect, span_count,
       owned_span_count, rejected_spans, duplicate_spans, clamped_values, indexed_at
FROM parquet_files ORDER BY modified_unix_nano DESC, relative_path LIMIT $limit
""",
    ),
    IndexList(
        name="quarantine",
        rows="refused files with reason and next step, latest first",
        sql="""
SELECT file_path, error_type, error_message, hint, tries, transient, first_seen, last_seen
FROM quarantined_files ORDER BY last_seen DESC, file_path LIMIT $limit
""",
    ),
)
"""Every list; each is served under its name and is a command of that name."""


_REFUSED = """
SELECT count(*), count(*) FILTER (WHERE was_indexed) FROM quarantined_files
"""


def list_named(name: str) -> IndexList:
    """The list. Raises StopIteration when there is none of that name."""
    return next(one for one in LISTS if one.name == name)


def list_rows(
    cursor: "duckdb.DuckDBPyConnection", listed: IndexList, limit: int
) -> list[dict[str, Any]]:
    """At most ``limit`` rows of the list, a dictionary each."""
    from indexer.system.duckdb_rows import rows  # noqa: PLC0415 - DuckDB

    return rows(cursor, listed.sql, {"limit": limit})


def count_quarantined(cursor: "duckdb.DuckDBPyConnection") -> tuple[int, int]:
    """(files that were refused, those of them whose spans were in the index before)."""
    ((refused, lost),) = cursor.execute(_REFUSED).fetchall()
    return int(refused), int(lost)
