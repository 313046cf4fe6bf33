"""A trace's summary as JSON within a number of bytes; what is cut is counted by its name. Pure."""

from typing import Any

from indexer.clients.shared.json_text import as_json
from indexer.query.answer import SummaryAnswer
from indexer.query.span import Span

BYTES_MAX = 32 << 10
"""Of the summary itself, beside what the answer says of its completeness."""
TEXT_CHARS_MAX = 100
"""Of one name or message."""
_ENTRIES = (20, 10, 5, 2, 1)
"""Of each list: as many as fit."""


def summary_json(answer: SummaryAnswer) -> dict[str, Any]:
    """The summary with as many entries of its lists as fit."""
    found: dict[str, Any] = {}
    for most in _ENTRIES:
        found = _summary(answer, most)
        if len(as_json(found)) <= BYTES_MAX:
            break
    return found


def _summary(answer: SummaryAnswer, most: int) -> dict[str, Any]:
    one = answer.summary
    start, end = one.start_time_unix_nano, one.end_time_unix_nano
    begin = start or 0
    services = [
        {
            "service_name": _text(each.service_name),
            "span_count": each.span_count,
            "error_count": each.error_count,
        }
        for each in one.services[:most]
    ]
    path = [{**_span(each.span, begin), "on_path_ns": each.on_path_ns} for each in one.path[:most]]
    gaps = [
        {
            "start_offset_ns": each.start_time_unix_nano - begin,
            "duration_ns": each.duration_ns,
        }
        for each in one.gaps[:most]
    ]
    failing = one.first_failing
    lists = {
        "services": one.services,
        "critical_path": one.path,
        "slowest": one.slowest,
        "gaps": one.gaps,
    }
    left_out = {name: len(each) - most for name, each in lists.items() if len(each) > most}
    unread = {"spans_without_attributes": answer.spans_unread} if answer.spans_unread else {}
    return {
        "trace_id": answer.trace_id,
        "span_count": one.span_count,
        "error_count": one.error_count,
        "root_count": one.root_count,
        "orphan_count": one.orphan_count,
        "start_time_unix_nano": start,
        "end_time_unix_nano": end,
        "duration_ns": None if start is None or end is None else end - start,
        "root": None if one.root is None else _span(one.root, begin),
        "services": services,
        "kinds": [{"span_kind": kind, "span_count": count} for kind, count in one.kinds.items()],
        "critical_path": path,
        "slowest": [_span(each, begin) for each in one.slowest[:most]],
        "first_failing": None if failing is None else _failing(failing, begin),
        "gaps": gaps,
        "tokens": None
        if one.tokens is None
        else {
            "input": one.tokens.input,
            "output": one.tokens.output,
            "total": one.tokens.total,
            "span_count": one.tokens.span_count,
        },
        "left_out": {**left_out, **unread},
    }


def _span(span: Span, begin: int) -> dict[str, Any]:
    return {
        "span_id": span.span_id,
        "service_name": _text(span.service_name),
        "name": _text(span.name),
        "span_kind": span.span_kind,
        "start_offset_ns": span.start_time_unix_nano - begin,
        "duration_ns": span.known_duration_ns,
        "status_code": span.status_code,
    }


def _failing(span: Span, begin: int) -> dict[str, Any]:
    message = None if span.payload is None else span.payload.status_message
    return {
        **_span(span, begin),
        "status_message": None if message is None else _text(str(message)),
    }


def _text(text: str) -> str:
    """As it is, or its first characters and an ellipsis."""
    return text if len(text) <= TEXT_CHARS_MAX else text[: TEXT_CHARS_MAX - 1] + "…"
