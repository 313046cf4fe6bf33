"""Spans of an application of agents, as Mastra's exporters send them, in batches of a thousand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

BATCH_SPANS = 1_000
"""What Mastra's exporters send at once."""
START = datetime(2026, 11, 1, tzinfo=UTC)
PLANS = ("free", "gold", "platinum", "trial")
AGENTS = 20
_TEXT = "The weather in Paris is mild, with light rain from the west and little wind. "
_TRACES_BEFORE_END = 50
"""Traces that run at once, so that spans of one come between those of others."""
Span = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Volume:
    """Traces of so many spans each."""

    traces: int
    spans_each: int = 20

    @property
    def spans(self) -> int:
        """Of all traces."""
        return self.traces * self.spans_each


def trace_id(number: int) -> str:
    """The ID of a trace: numbers in order give IDs without any."""
    return f"{(number * 0x9E3779B97F4A7C15) % (1 << 64):016x}{number:016x}"


def batches(volume: Volume, first: int = 0) -> Iterator[list[Span]]:
    """The spans, created without an end."""
    for spans in _batched(volume, first):
        yield [span for _, span in spans]


def updates(volume: Volume, first: int = 0) -> Iterator[list[Span]]:
    """What ends the spans, as an exporter sends it."""
    for spans in _batched(volume, first):
        yield [
            {"traceId": span["traceId"], "spanId": span["spanId"], "updates": _ended(number, span)}
            for number, span in spans
        ]


def _batched(volume: Volume, first: int) -> Iterator[list[tuple[int, Span]]]:
    spans = _spans(volume, first)
    while batch := list(islice(spans, BATCH_SPANS)):
        yield batch


def _spans(volume: Volume, first: int) -> Iterator[tuple[int, Span]]:
    for group in range(first, first + volume.traces, _TRACES_BEFORE_END):
        last = min(group + _TRACES_BEFORE_END, first + volume.traces)
        for number in range(volume.spans_each):
            for trace in range(group, last):
                yield number, _span(trace, number)


def _span(trace: int, number: int) -> Span:
    started = START + timedelta(milliseconds=500 * trace + 20 * number)
    span: Span = {
        "traceId": trace_id(trace),
        "spanId": f"{trace * 1_000 + number:016x}",
        "parentSpanId": None if number == 0 else f"{trace * 1_000:016x}",
        "name": "agent run" if number == 0 else f"step {number}",
        "spanType": _type(number),
        "isEvent": False,
        "startedAt": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "attributes": {"model": "none-1", "usage": {"inputTokens": number * 7}},
        "input": {"messages": [{"role": "user", "content": _TEXT * 2}]},
    }
    if number == 0:
        span |= {
            "entityType": "agent",
            "entityId": f"agent-{trace % AGENTS}",
            "entityName": f"Agent {trace % AGENTS}",
            "threadId": f"thread-{trace // 5}",
            "environment": "production",
            "serviceName": "shop",
            "tags": ["live", f"week-{trace % 4}"],
            "metadata": {"plan": PLANS[trace % len(PLANS)], "number": trace % 1_000},
        }
    return span


def _type(number: int) -> str:
    if number == 0:
        return "agent_run"
    return "tool_call" if number % 3 else "model_generation"


def _ended(number: int, span: Span) -> Span:
    ended = datetime.fromisoformat(span["startedAt"]) + timedelta(milliseconds=15)
    return {
        "endedAt": ended.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "output": {"text": _TEXT * 3},
        "error": {"message": "no"} if number == 7 else None,
    }
