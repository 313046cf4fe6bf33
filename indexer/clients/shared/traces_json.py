"""Traces that a search found as the JSON that the API shows."""

from typing import Any

from indexer.query.answer import TraceFound
from indexer.query.span import Span

MATCHES_LISTED_MAX = 10
"""Matching spans of a trace that are listed; all are counted."""
SERVICES_LISTED_MAX = 100


def trace_found_json(found: TraceFound) -> dict[str, Any]:
    """What the trace is, and which of its spans match, in the order of the search."""
    start, end = found.start_time_unix_nano, found.end_time_unix_nano
    services = [
        {
            "service_name": name,
            "span_count": count,
            "error_count": found.error_counts.get(name, 0),
        }
        for name, count in found.span_counts.items()
    ]
    return {
        "trace_id": found.trace_id,
        "root_service_name": found.root_service_name,
        "root_name": found.root_name,
        "start_time_unix_nano": start,
        "end_time_unix_nano": end,
        "duration_ns": None if start is None or end is None else end - start,
        "span_count": sum(found.span_counts.values()),
        "error_count": sum(found.error_counts.values()),
        "service_count": len(services),
        "services": services[:SERVICES_LISTED_MAX],
        "matched_count": len(found.matches),
        "matched": [_match(span) for span in found.matches[:MATCHES_LISTED_MAX]],
    }


def _match(span: Span) -> dict[str, Any]:
    return {
        "span_id": span.span_id,
        "service_name": span.service_name,
        "name": span.name,
        "span_kind": span.span_kind,
        "start_time_unix_nano": span.start_time_unix_nano,
        "duration_ns": span.known_duration_ns,
        "status_code": span.status_code,
    }
