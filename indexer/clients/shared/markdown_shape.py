"""A trace as Markdown for people and language models, bounded in bytes; what is cut is named. Pure.

First what the trace is, then its spans as a tree, then what each span has, failing ones first.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

from indexer.clients.shared.otlp_shape import held_attributes
from indexer.deferred_dataclass import dataclass
from indexer.query.missing import Missing
from indexer.query.span import Span
from indexer.spans.payload import Payload
from indexer.spans.shared_ids import Link, parents
from indexer.spans.trace_tree import depth_first
from indexer.system.counted_nouns import counted

NO_SPANS = "No span of this trace is known."
BYTES_MAX = 64 << 10
"""Of the text: some 16,000 tokens of a language model."""
TEXT_CHARS_MAX = 200
"""Of one name or value."""
_REST_BYTES = 8_192
"""For the head and for what is left out."""
_DEPTH_MAX = 20
"""Levels that are indented."""
_MISSING_MAX = 5
"""Reasons that are listed why a trace may lack spans."""
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_ERROR = 2
_FENCES = re.compile("`+")


@dataclass(slots=True)
class _Text:
    """Lines within a number of bytes, and what did not fit."""

    bytes_left: int
    lines: list[str] = field(default_factory=list)
    values_cut: int = 0

    def add(self, lines: Sequence[str], *, up_to: int) -> bool:
        """Add all of them or none, leaving so many bytes."""
        size = sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)
        if size > self.bytes_left - up_to:
            return False
        self.lines += lines
        self.bytes_left -= size
        return True

    def code(self, value: Any) -> str:
        """A value on one line that nothing in it ends, cut where it is long."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(text) > TEXT_CHARS_MAX:
            self.values_cut += 1
            text = text[: TEXT_CHARS_MAX - 1] + "…"
        plain = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
        fence = "`" * (1 + max(map(len, _FENCES.findall(plain)), default=0))
        space = " " if "`" in plain or not plain else ""
        return f"{fence}{space}{plain}{space}{fence}"


def markdown(
    trace_id: str,
    spans: Sequence[Span],
    missing: Sequence[Missing] = (),
    bytes_max: int = BYTES_MAX,
) -> str:
    """The text; of ``spans`` in order of start, with their payload."""
    text = _Text(bytes_max - _REST_BYTES)
    head = [f"# Trace {trace_id}", "", *_head(spans), *_incomplete(text, missing)]
    listed = _add_tree(text, spans, room=(bytes_max - _REST_BYTES) // 2)
    resources = _add_resources(text, spans)
    detailed = _add_details(text, spans)
    left_out = _left_out(text, len(spans), listed, resources, detailed)
    return "\n".join([*head, *text.lines, *left_out]) + "\n"


def _head(spans: Sequence[Span]) -> Iterator[str]:
    if not spans:
        yield NO_SPANS
        return
    begin = min(filter(None, (span.start_time_unix_nano for span in spans)), default=0)
    end = max(begin, *(span.end_time_unix_nano or 0 for span in spans))
    errors = sum(span.status_code == _ERROR for span in spans)
    services = Counter(span.service_name for span in spans)
    started = _instant(begin) if begin else "at no known time"
    yield (
        f"{counted(len(spans), 'span')} of {counted(len(services), 'service')}, "
        f"{counted(errors, 'error')}, "
        f"{(end - begin) / 1e6:,.3f} ms, started {started}."
    )


def _incomplete(text: _Text, missing: Sequence[Missing]) -> Iterator[str]:
    if missing:
        yield "\nSpans may be missing:\n"
        for one in missing[:_MISSING_MAX]:
            yield f"- {one.reason.code}: {text.code(one.detail)}"
        if len(missing) > _MISSING_MAX:
            yield f"- and {len(missing) - _MISSING_MAX:,} more reasons"


def _add_tree(text: _Text, spans: Sequence[Span], *, room: int) -> int:
    """A line a span; how many of them fit."""
    if not spans:
        return 0
    links = [Link(one.span_id, one.parent_span_id, one.span_kind) for one in spans]
    begin = spans[0].start_time_unix_nano
    text.add(["", "## Spans", ""], up_to=0)
    for number, (depth, position) in enumerate(depth_first(parents(links))):
        indent = "  " * min(depth, _DEPTH_MAX)
        if not text.add([f"{indent}- {_line(text, spans[position], begin)}"], up_to=room):
            return number
    return len(spans)


def _line(text: _Text, span: Span, begin: int) -> str:
    took = span.known_duration_ns
    parts = [
        f"{text.code(span.name)} of {text.code(span.service_name)}",
        _KINDS[span.span_kind] if span.span_kind in range(len(_KINDS)) else "unspecified",
        f"at {(span.start_time_unix_nano - begin) / 1e6:+,.3f} ms",
        "no end" if took is None else f"{took / 1e6:,.3f} ms",
        *(["**error**"] if span.status_code == _ERROR else []),
        f"span {span.span_id}",
    ]
    return ", ".join(parts)


def _add_resources(text: _Text, spans: Sequence[Span]) -> int:
    """What each distinct resource has, once; how many of them do not fit."""
    resources: dict[tuple[str, str], Any] = {}
    for span in spans:
        attributes = None if span.payload is None else span.payload.resource_attributes
        resources.setdefault((span.service_name, json.dumps(attributes)), attributes)
    for number, ((service, _), attributes) in enumerate(resources.items()):
        lines = ["", f"## Resource of {text.code(service)}", "", *_pairs(text, "", attributes)]
        if attributes and not text.add(lines, up_to=0):
            return len(resources) - number
    return 0


def _add_details(text: _Text, spans: Sequence[Span]) -> int:
    """What spans have beside, failing ones first; of how many it fits."""
    if not spans or not text.add(["", "## Details"], up_to=0):
        return 0
    failing_first = sorted(spans, key=lambda one: one.status_code != _ERROR)
    for number, span in enumerate(failing_first):
        if not text.add(["", *_details(text, span)], up_to=0):
            return number
    return len(spans)


def _details(text: _Text, span: Span) -> Iterator[str]:
    payload = span.payload or Payload()
    yield f"### Span {span.span_id}: {text.code(span.name)}"
    yield ""
    if payload.status_message:
        yield f"- status: {text.code(payload.status_message)}"
    for prefix, attributes in (
        ("", payload.attributes),
        ("scope.", payload.scope_attributes),
    ):
        yield from _pairs(text, prefix, attributes)
    for event in payload.events if isinstance(payload.events, list) else ():
        if isinstance(event, dict):
            yield f"- event {text.code(event.get('name') or '')}"
            yield from _pairs(text, "event.", event.get("attributes"), indent="  ")
    for link in payload.links if isinstance(payload.links, list) else ():
        if isinstance(link, dict):
            span_id, trace_id = text.code(link.get("spanId")), text.code(link.get("traceId"))
            yield f"- link to span {span_id} of trace {trace_id}"


def _pairs(text: _Text, prefix: str, attributes: Any, indent: str = "") -> Iterable[str]:
    return [
        f"{indent}- {text.code(prefix + key)}: {text.code(value)}"
        for key, value in held_attributes(attributes).items()
    ]


def _left_out(text: _Text, spans: int, listed: int, resources: int, detailed: int) -> list[str]:
    counts = (
        (spans - listed, f"of {spans:,} spans are not in the tree"),
        (resources, "resources are not listed"),
        (spans - detailed, f"of {spans:,} spans have no details"),
        (text.values_cut, f"texts are cut after {TEXT_CHARS_MAX} characters"),
    )
    said = [f"- {count:,} {what}" for count, what in counts if count]
    return ["", "## Left out", "", *said] if said else []


def _instant(unix_nano: int) -> str:
    seconds, nanos = divmod(unix_nano, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos:09d}Z"
