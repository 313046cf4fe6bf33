"""One answer from all tiers: what is hot first, then the index, then files between the two.

The order is the promise: a span that is flushed while the question is answered leaves the hot
tier after it was seen there. *Complete* means that every span acknowledged before ``as_of`` is in
the answer; what cannot be known to be so is said.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np

from indexer.errors import HotUnavailable
from indexer.hot.identity import SpanKeys
from indexer.hot.view import HotView
from indexer.query.merge import (
    hot_columns,
    hot_roots,
    hot_spans,
    known_files,
    known_spans,
    latest_roots_merged,
    merged,
    newest_roots,
    recent_files,
    recent_spans,
    services_merged,
)
from indexer.spans.columns import SpanColumns, concatenate
from indexer.storage import LocalStorage

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


def whole_trace(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    cold: dict[str, Any],
    hot: Consulted | None,
) -> dict[str, Any]:
    """The answer of ``find_trace`` with the spans of the other tiers, and what it rests on."""
    if hot is None or hot.view is None:
        missing = [*cold["missing"], *(hot.missing if hot else [])]
        said = {"reachable": False, "source": None, "spans": 0} if hot else None
        rest: dict[str, Any] = {"as_of": None, "hot": said, "recent_files": []}
        return {**cold, "missing": missing, "complete": not missing, **rest}
    view = hot.view
    known = known_files(cursor, storage, view.recent_files)
    recent, unread = recent_spans(storage, view.recent_files, known, cold["trace_id"])
    unknown = [path for path in view.recent_files if not known(path)]
    found = hot_spans(view.table, trace_id=cold["trace_id"])
    missing = [*cold["missing"], *hot.missing, *unread]
    spans = merged(cold["spans"], recent, found)
    return {
        **cold,
        "spans": spans,
        "missing": missing,
        "complete": not missing,
        "as_of": view.as_of_unix_nano,
        "hot": {
            "reachable": True,
            "source": view.source,
            "spans": sum(span["file_path"] is None for span in spans),
        },
        "recent_files": unknown,
        "cost": {**cold["cost"], "files_read": cold["cost"]["files_read"] + len(unknown)},
    }


def whole_services(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    cold: list[dict[str, Any]],
    hot: Consulted | None,
) -> list[dict[str, Any]]:
    """``list_services`` and what spans that are not in the index add to it."""
    if hot is None or hot.view is None:
        return cold
    return services_merged(cold, _new_spans(cursor, storage, hot.view))


def whole_roots(
    cursor: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    cold: list[dict[str, Any]],
    hot: Consulted | None,
    service: str,
    limit: int,
) -> list[dict[str, Any]]:
    """``latest_roots`` of all tiers."""
    if hot is None or hot.view is None:
        return cold
    known = known_files(cursor, storage, hot.view.recent_files)
    files, _ = recent_files(storage, hot.view.recent_files, known)
    recent = [root for _, columns in files for root in newest_roots(columns, service, limit)]
    return latest_roots_merged(cold, [*recent, *hot_roots(hot.view.table, service, limit)], limit)


def _new_spans(
    cursor: duckdb.DuckDBPyConnection, storage: LocalStorage, view: HotView
) -> SpanColumns:
    """The distinct spans of recent files and of the hot tier that the index does not have."""
    known = known_files(cursor, storage, view.recent_files)
    files, _ = recent_files(storage, view.recent_files, known)
    parts = [columns for _, columns in files] + [hot_columns(view.table)]
    spans = concatenate(parts, [1] * len(parts))
    keys = SpanKeys(spans.trace_hi, spans.trace_lo, spans.span_id)
    first = np.zeros(len(spans), np.bool_)
    first[np.unique(keys.hashes, return_index=True)[1]] = True
    return spans.take(first & ~known_spans(cursor, keys))
