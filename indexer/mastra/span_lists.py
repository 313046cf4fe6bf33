"""Lists of traces and of branches: a page of all, or what has been listed newly after a cursor."""

from collections.abc import Sequence
from typing import Any

import duckdb

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids
from indexer.mastra.columns import LIGHT_COLUMNS, RECORD_COLUMNS, reader
from indexer.mastra.database import Database
from indexer.mastra.filled_columns import filled_among
from indexer.mastra.input_preview import input_preview
from indexer.mastra.json_values import json_value
from indexer.mastra.list_arguments import ListBranches, ListTraces, OrderBy
from indexer.mastra.list_records import DeltaInfo, LightTraceSpan, PageInfo, TraceSpan
from indexer.mastra.rows_by_sequence import rows_by_sequence
from indexer.mastra.span_conditions import (
    EXACT,
    STATUS,
    Conditions,
    Listed,
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
    database: Database, base: Listed, arguments: ListTraces | ListBranches, columns: Sequence[str]
) -> Listing:
    """Rows of those spans of a list that the filters hold for.

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
    sequences, total = _numbered(cursor, found, arguments.order_by, wanted.per_page, first)
    return Listing(
        rows=rows_by_sequence(cursor, sequences, columns),
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
    found.terms.append(f"span.sequence > {_sequence(arguments.after):d}")
    newer = _newer(cursor, found, limit + 1)
    has_more, sequences = len(newer) > limit, newer[:limit]
    last = sequences[-1] if has_more else max(head, _sequence(arguments.after))
    return Listing(
        rows=rows_by_sequence(cursor, sequences, columns),
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
    """Sequences of a page, and how many rows the whole list has; the filters are asked once."""
    column = {"startedAt": "started_at", "endedAt": "ended_at"}[order_by.field]
    direction = order_by.direction
    nulls = "FIRST" if direction == "DESC" else "LAST"
    rows = cursor.execute(
        f"SELECT span.sequence, count(*) OVER () {found.rows} "
        f"ORDER BY span.{column} {direction} NULLS {nulls}, span.sequence {direction} "
        f"LIMIT {limit:d} OFFSET {offset:d}"
    ).fetchall()
    if rows or not offset:
        return [sequence for sequence, _ in rows], rows[0][1] if rows else 0
    ((total,),) = cursor.execute(f"SELECT count(*) {found.rows}").fetchall()
    return [], int(total)


def _newer(cursor: duckdb.DuckDBPyConnection, found: Conditions, limit: int) -> list[int]:
    """Sequences of what was listed first."""
    rows = cursor.execute(
        f"SELECT span.sequence {found.rows} ORDER BY span.sequence LIMIT {limit:d}"
    ).fetchall()
    return [sequence for (sequence,) in rows]


def _sequence(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_SEQUENCE_MAX))
    if not is_number or int(text) > _SEQUENCE_MAX:
        raise InvalidMastraCall(
            f"invalid cursor {text[:50]!r}: expected one that a list has given",
            error_id=error_ids.INVALID_DELTA_CURSOR,
        )
    return int(text)
