"""Lists of traces and of branches: a page of all, or what has been listed newly after a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids
from indexer.mastra.columns import LIGHT_COLUMNS, RECORD_COLUMNS, reader
from indexer.mastra.database import Database
from indexer.mastra.filled_columns import filled_among
from indexer.mastra.input_preview import input_preview
from indexer.mastra.json_values import json_value
from indexer.mastra.list_arguments import PAGE_SPANS_MAX, ListBranches, ListTraces, OrderBy
from indexer.mastra.list_records import DeltaInfo, LightTraceSpan, PageInfo, TraceSpan
from indexer.mastra.rows_by_id import rows_by_id
from indexer.mastra.span_conditions import (
    EXACT,
    STATUS,
    Conditions,
    compare_members,
    conditions,
)

_SEQUENCE_MAX = (1 << 63) - 1
FULL = (*RECORD_COLUMNS, STATUS)
LIGHT = (*LIGHT_COLUMNS, STATUS, "metadata", "input")


@dataclass(frozen=True, slots=True)
class Listing:
    """Spans of a list as their rows, and where in the list they are."""

    rows: list[tuple[Any, ...]]
    columns: Sequence[str]
    """Of the rows: those of the ones asked for that have values in this store."""
    cursor: str
    pagination: PageInfo | None = None
    delta: DeltaInfo | None = None


def list_spans(
    database: Database, base: str, arguments: ListTraces | ListBranches, columns: Sequence[str]
) -> Listing:
    """Rows of those spans that a base condition and the filters hold for.

    Raises InvalidMastraCall for a cursor that no list has given.
    """
    for filled in database.filled.turns():
        head = database.committed_sequence
        read = filled_among(columns, filled)
        found = conditions(base, arguments.filters)
        with database.reading() as cursor:
            compare_members(cursor, found)
            of_mode = _delta if arguments.mode == "delta" else _page
            listing = of_mode(cursor, found, arguments, head, read)
            if found.members:
                cursor.unregister(EXACT)
    return listing


def full_spans(found: Listing) -> list[TraceSpan]:
    """Spans of a list of ``FULL``."""
    read = reader(TraceSpan, _names(found.columns))
    return [read(row) for row in found.rows]


def light_spans(found: Listing) -> list[LightTraceSpan]:
    """Spans of a list of ``LIGHT``."""
    names, rows = _names(found.columns), found.rows
    if names[-1] == "input":
        names = (*names[:-1], "input_preview")
        rows = [(*row[:-1], _preview(row[-1])) for row in rows]
    read = reader(LightTraceSpan, names)
    return [read(row) for row in rows]


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple("status" if column == STATUS else column for column in columns)


def _preview(given: str | None) -> str | None:
    return None if given is None else input_preview(json_value(given))


def _page(
    cursor: duckdb.DuckDBPyConnection,
    found: Conditions,
    arguments: ListTraces | ListBranches,
    head: int,
    columns: Sequence[str],
) -> Listing:
    wanted = arguments.pagination
    first = wanted.page * wanted.per_page
    row_ids, total = _numbered(cursor, found, arguments.order_by, wanted.per_page, first)
    return Listing(
        rows=_page_rows(cursor, found, row_ids, total, columns),
        columns=columns,
        cursor=str(head),
        pagination=PageInfo(
            total=total,
            page=wanted.page,
            per_page=wanted.per_page,
            has_more=first + wanted.per_page < total,
        ),
    )


def _delta(
    cursor: duckdb.DuckDBPyConnection,
    found: Conditions,
    arguments: ListTraces | ListBranches,
    head: int,
    columns: Sequence[str],
) -> Listing:
    limit = arguments.limit
    if arguments.after is None:
        return Listing([], columns, str(head), delta=DeltaInfo(limit=limit, has_more=False))
    found.add("span.sequence > $after", after=_sequence(arguments.after))
    row_ids = _newer(cursor, found, limit + 1)
    has_more = len(row_ids) > limit
    rows = rows_by_id(cursor, row_ids[:limit], ("sequence", *columns))
    last = rows[-1][0] if has_more else max(head, _sequence(arguments.after))
    return Listing(
        rows=[row[1:] for row in rows],
        columns=columns,
        cursor=str(last),
        delta=DeltaInfo(limit=limit, has_more=has_more),
    )


def _numbered(
    cursor: duckdb.DuckDBPyConnection,
    found: Conditions,
    order_by: OrderBy,
    limit: int,
    offset: int,
) -> tuple[list[int], int]:
    """Row IDs of a page, and how many rows the whole list has; the filters are asked once."""
    column = {"startedAt": "started_at", "endedAt": "ended_at"}[order_by.field]
    direction = order_by.direction
    nulls = "FIRST" if direction == "DESC" else "LAST"
    rows = cursor.execute(
        f"SELECT span.rowid, count(*) OVER () FROM mastra_spans AS span WHERE {found.where} "
        f"ORDER BY span.{column} {direction} NULLS {nulls}, span.sequence {direction} "
        f"LIMIT {limit:d} OFFSET {offset:d}",
        found.parameters,
    ).fetchall()
    if rows or not offset:
        return [row_id for row_id, _ in rows], rows[0][1] if rows else 0
    sql = f"SELECT count(*) FROM mastra_spans AS span WHERE {found.where}"
    ((total,),) = cursor.execute(sql, found.parameters).fetchall()
    return [], int(total)


def _page_rows(
    cursor: duckdb.DuckDBPyConnection,
    found: Conditions,
    row_ids: Sequence[int],
    total: int,
    columns: Sequence[str],
) -> list[tuple[Any, ...]]:
    """Rows of a page; with those between them if they are few, which is cheaper than a join."""
    if not row_ids:
        return []
    first, last = min(row_ids), max(row_ids)
    if min(total, last - first + 1) > PAGE_SPANS_MAX:
        return rows_by_id(cursor, row_ids, columns)
    rows = cursor.execute(
        f"SELECT span.rowid, {', '.join(columns)} FROM mastra_spans AS span "
        f"WHERE span.rowid BETWEEN {first:d} AND {last:d} AND {found.where}",
        found.parameters,
    ).fetchall()
    by_id = {row[0]: row[1:] for row in rows}
    return [by_id[row_id] for row_id in row_ids]


def _newer(cursor: duckdb.DuckDBPyConnection, found: Conditions, limit: int) -> list[int]:
    """Row IDs of what was listed first."""
    rows = cursor.execute(
        f"SELECT span.rowid FROM mastra_spans AS span WHERE {found.where} "
        f"ORDER BY span.sequence LIMIT {limit:d}",
        found.parameters,
    ).fetchall()
    return [row_id for (row_id,) in rows]


def _sequence(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_SEQUENCE_MAX))
    if not is_number or int(text) > _SEQUENCE_MAX:
        raise InvalidMastraCall(
            f"invalid cursor {text[:50]!r}: expected one that a list has given",
            error_id=error_ids.INVALID_DELTA_CURSOR,
        )
    return int(text)
