"""Rows of ``mastra_roots``: what lists of traces filter and order by, written beside the spans.

Each function is called in the transaction that has changed ``mastra_spans``, where the rows that
were written are the table ``incoming``.
"""

from collections.abc import Collection

import duckdb

from indexer.mastra.columns import UPDATABLE
from indexer.mastra.list_arguments import SpanFilters

_FILTERED = tuple(name for name in UPDATABLE if name in SpanFilters.model_fields)
ROOT_COLUMNS = (
    *("sequence", "trace_id", "span_id", "created_at", "updated_at", "error"),
    *_FILTERED,
)
"""Of ``mastra_roots``, under the names that they have in ``mastra_spans``."""
_OF_INCOMING = "sequence IN (SELECT sequence FROM incoming)"
_WITHOUT_SPAN = """
    DELETE FROM mastra_roots
    WHERE NOT EXISTS (SELECT 1 FROM mastra_spans AS s WHERE s.sequence = mastra_roots.sequence)
"""


def insert_roots(connection: duckdb.DuckDBPyConnection, columns: Collection[str]) -> None:
    """Add the roots among spans that were inserted with values in these columns."""
    names = _listed(columns)
    terms = ["created_at IS NOT NULL"]
    if "parent_span_id" in columns:
        terms.append("parent_span_id IS NULL")
    connection.execute(
        f"INSERT INTO mastra_roots ({names}) SELECT {names} FROM incoming "
        f"WHERE {' AND '.join(terms)}"
    )


def update_roots(connection: duckdb.DuckDBPyConnection, columns: Collection[str]) -> None:
    """Set these columns of stored spans; they are roots after it if they were before."""
    changes = [f"{name} = incoming.{name}" for name in ROOT_COLUMNS if name in columns]
    if changes:
        connection.execute(
            f"UPDATE mastra_roots SET {', '.join(changes)} FROM incoming "
            "WHERE mastra_roots.sequence = incoming.sequence"
        )


def replace_roots(connection: duckdb.DuckDBPyConnection) -> None:
    """The same of spans that were created now, or got or lost a parent: all columns of each."""
    names = _listed(ROOT_COLUMNS)
    connection.execute(f"DELETE FROM mastra_roots WHERE {_OF_INCOMING}")
    connection.execute(
        f"INSERT INTO mastra_roots ({names}) SELECT {names} FROM mastra_spans "
        f"WHERE parent_span_id IS NULL AND {_OF_INCOMING}"
    )


def delete_roots(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete the roots whose spans were deleted."""
    connection.execute(_WITHOUT_SPAN)


def _listed(columns: Collection[str]) -> str:
    return ", ".join(name for name in ROOT_COLUMNS if name in columns)
