"""One answer from all tiers: what is hot first, then the index, then files between the two.

The order is the promise: a span that is flushed while the question is answered leaves the hot
tier after it was seen there. *Complete* means that every span acknowledged before ``as_of`` is in
the answer; what cannot be known to be so is said.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np

from indexer.errors import HotUnavailable
from indexer.hot.identity import SpanKeys
from indexer.hot.view import HotView
from indexer.query.find.trace import TraceQuery
from indexer.query.merge import (
    Missing,
    hot_columns,
    hot_spans,
    known_files,
    known_spans,
    merged,
    recent_files,
    recent_spans,
    services_merged,
)
from indexer.query.partial_spans import partial_spans
from indexer.query.window import WHENEVER, Window
from indexer.spans.columns import SpanColumns, concatenate
from indexer.system.storage import LocalStorage

AskHot = Callable[[], HotView]
"""Raises HotUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consulted:
    """What the hot tier said before the index was asked; no view when it does not answer."""

    view: HotView | None
    missing: list[dict[str, Any]] = field(default_factory=list)


def consult(ask: AskHot | None) -> Consulted | None:
    """Ask the hot tier; None where there is none."""
    if ask is None:
        return None
    try:
        view = ask()
    except HotUnavailable as error:
        lack = {"error_type": error.error_type, "detail": error.message}
        return Consulted(view=None, missing=[lack])
    missing = [{"error_type": "HotIncomplete", "detail": problem} for problem in view.problems]
    if view.bounded:
        detail = f"the service's {view.source} does not list every file that is not indexed yet"
        missing.append({"error_type": "HotBounded", "detail": detail})
    return Consulted(view=view, missing=missing)


def unknown_files(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    hot: Consulted | None,
    key_ids: Collection[int] = (),
) -> list[str]:
    """Recent files that this transaction does not have, or not with these promoted attributes.

    They are read directly. Newest first.
    """
    if hot is None or hot.view is None:
        return []
    known = known_files(cursor, storage, hot.view.recent_files, key_ids)
    return [path for path in hot.view.recent_files if not known(path)]


def completeness(
    hot: Consulted | None, recent: list[str], hot_span_count: int, missing: list[dict[str, Any]]
) -> dict[str, Any]:
    """What every answer says of itself: of when it is, from what, and what it lacks."""
    view = None if hot is None else hot.view
    lacks = [*missing, *(hot.missing if hot else [])]
    said = {
        "reachable": view is not None,
        "source": None if view is None else view.source,
        "spans": hot_span_count,
    }
    return {
        "complete": not lacks,
        "missing": lacks,
        "as_of": None if view is None else view.as_of_unix_nano,
        "hot": None if hot is None else said,
        "recent_files": recent,
    }


def whole_trace(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    cold: dict[str, Any],
    hot: Consulted | None,
    asked: TraceQuery,
) -> dict[str, Any]:
    """The answer of ``find_trace`` with the spans of the other tiers, and what it rests on."""
    recent = unknown_files(cursor, storage, hot)
    found: list[dict[str, Any]] = []
    unread: list[Missing] = []
    spans = cold["spans"]
    if hot is not None and hot.view is not None:
        found, unread = recent_spans(storage, recent, asked.trace_id)
        found = [span for span in found if asked.matches(span)]
        rows = hot.view.trace(asked.trace_id)
        fresh = [one for one in hot_spans(rows, trace_id=asked.trace_id) if asked.matches(one)]
        spans = merged(spans, found, fresh)
        indexed = set(map(id, cold["spans"]))
        unread += partial_spans(span for span in spans if id(span) not in indexed)
    hot_count = sum(span["file_path"] is None for span in spans)
    return {
        **cold,
        "spans": spans,
        **completeness(hot, recent, hot_count, [*cold["missing"], *unread]),
        "cost": {**cold["cost"], "files_read": cold["cost"]["files_read"] + len(recent)},
    }


def whole_services(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    cold: list[dict[str, Any]],
    hot: Consulted | None,
    window: Window = WHENEVER,
) -> dict[str, Any]:
    """``list_services`` of the window, and what spans that are not in the index add to it."""
    if hot is None or hot.view is None:
        return {"services": cold, **completeness(hot, [], 0, [])}
    recent = unknown_files(cursor, storage, hot)
    files, unread = recent_files(storage, recent)
    parts = [columns for _, columns in files] + [hot_columns(hot.view.table)]
    fresh = concatenate(parts, [1] * len(parts))
    added = _new_spans(cursor, fresh.take(window.holds(fresh)))
    return {
        "services": services_merged(cold, added),
        **completeness(hot, recent, len(parts[-1]), list(unread)),
    }


def _new_spans(cursor: duckdb.DuckDBPyConnection, spans: SpanColumns) -> SpanColumns:
    """Each of the spans once, but those that the index has."""
    keys = SpanKeys(spans.trace_hi, spans.trace_lo, spans.span_id)
    first = np.zeros(len(spans), np.bool_)
    first[np.unique(keys.hashes, return_index=True)[1]] = True
    return spans.take(first & ~known_spans(cursor, keys))
