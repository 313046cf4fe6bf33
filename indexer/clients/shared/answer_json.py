"""Answers as the JSON that commands and local routes show: the one place where values become it."""

from typing import Any

from indexer.clients.shared.facet_json import facets_json
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.summary_json import summary_json
from indexer.clients.shared.traces_json import trace_found_json
from indexer.query.answer import (
    Answer,
    Completeness,
    FacetAnswer,
    HotShare,
    IndexAnswer,
    ServicesAnswer,
    SummaryAnswer,
    TracesAnswer,
)
from indexer.query.cost import Cost
from indexer.query.missing import Missing
from indexer.query.service_list import Service
from indexer.query.span import Span
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.spans.payload import Payload


def answer_json(answer: Answer) -> dict[str, Any]:
    """A trace, a page of a list, the services, or what the index says of itself."""
    completeness = completeness_json(answer.completeness)
    if isinstance(answer, IndexAnswer):
        return completeness
    if isinstance(answer, ServicesAnswer):
        services = [service_json(one) for one in answer.services]
        return {"services": services, **completeness, "cost": cost_json(answer.cost)}
    if isinstance(answer, FacetAnswer | SummaryAnswer | TracesAnswer):
        return {**_own_json(answer), **completeness, "cost": cost_json(answer.cost)}
    spans = [span_json(span) for span in answer.spans]
    cost = cost_json(answer.cost)
    if answer.trace_id is not None:
        page = {"spans": spans, "next_cursor": answer.next_cursor}
        return {"trace_id": answer.trace_id, **page, **completeness, "cost": cost}
    return {"spans": spans, "next_cursor": answer.next_cursor, **completeness, "cost": cost}


def _own_json(answer: FacetAnswer | SummaryAnswer | TracesAnswer) -> dict[str, Any]:
    """What the answer is of, beside what it says of itself."""
    if isinstance(answer, TracesAnswer):
        traces = [trace_found_json(one) for one in answer.traces]
        return {"traces": traces, "next_cursor": answer.next_cursor}
    return summary_json(answer) if isinstance(answer, SummaryAnswer) else facets_json(answer)


def answer_text(answer: Answer) -> bytes:
    """The same as text."""
    return as_json(answer_json(answer))


def span_json(span: Span) -> dict[str, Any]:
    """One span; its payload where it was asked for, null where that could not be read."""
    path = span.source.path
    value = {} if span.value is None else {"value": span.value}
    payload = {} if span.payload is None else _payload_json(span.payload)
    return {
        "file_row_number": None if path is None else span.row,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "service_name": span.service_name,
        "name": span.name,
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        "duration_ns": span.known_duration_ns,
        "status_code": span.status_code,
        "span_kind": span.span_kind,
        **value,
        **payload,
        "file_path": path,
    }


def completeness_json(said: Completeness) -> dict[str, Any]:
    """What every answer says of itself."""
    return {
        "complete": said.is_complete,
        "missing": [missing_json(one) for one in said.missing],
        "as_of": said.as_of_unix_nano,
        "hot": None if said.hot is None else _hot_json(said.hot),
        "recent_files": list(said.recent_files),
        "files_pending": said.files_pending,
        "files_quarantined": said.files_quarantined,
    }


def missing_json(missing: Missing) -> dict[str, Any]:
    """One thing that an answer lacks: the code of the reason, and what there is to say of it."""
    about = {"file_path": missing.file_path, "files": missing.files}
    return {
        **{name: value for name, value in about.items() if value is not None},
        "error_type": missing.reason.code,
        "detail": missing.detail,
    }


def cost_json(cost: Cost) -> dict[str, Any]:
    """Files and bytes read, milliseconds in the index and in files."""
    return {
        "files_read": cost.files_read,
        "bytes_read": cost.bytes_read,
        "files_left": cost.files_left,
        "index_ms": round(cost.index_ms, 3),
        "payload_ms": round(cost.payload_ms, 3),
    }


def service_json(service: Service) -> dict[str, Any]:
    """One service."""
    return {
        "service_name": service.service_name,
        "first_seen": service.first_seen,
        "last_seen": service.last_seen,
        "total_spans": service.total_spans,
    }


def _payload_json(payload: Payload) -> dict[str, Any]:
    found = {name: getattr(payload, name) for name in PAYLOAD_COLUMNS}
    return found if payload.omitted is None else {**found, "omitted": payload.omitted}


def _hot_json(hot: HotShare) -> dict[str, Any]:
    return {"reachable": hot.is_reachable, "source": hot.source, "spans": hot.spans}
