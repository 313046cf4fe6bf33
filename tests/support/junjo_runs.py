"""Runs of the Junjo SDK in this process: what it sent of them, and the states it ended with.

The SDK takes its tracer from the process's provider at each run, so that a test can give it one of
its own for as long as a run takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from indexer.query.span import Span
from indexer.read.payload import PAYLOAD_COLUMNS
from tests.support import answered_spans, sdk_spans

SERVICE, NAMESPACE, VERSION = "junjo app", "demo", "1.2"


@dataclass(frozen=True)
class JunjoRun:
    """``states`` are the SDK's own last ones, by the ID of the store."""

    sent: Sequence[ReadableSpan]
    states: dict[str, Any]
    result: Any = None

    @property
    def spans(self) -> list[Span]:
        """As an answer of a trace has them: with payload, in order of start."""
        found = [canonical_span(one) for one in self.sent]
        return sorted(found, key=lambda one: (one.start_time_unix_nano, one.span_id))

    def named(self, name: str) -> Span:
        return next(one for one in self.spans if one.name == name)


def traced(run: Callable[[dict[str, Any]], Coroutine[Any, Any, Any]]) -> JunjoRun:
    """What a run sent; it puts its stores' last states under their IDs."""
    memory = InMemorySpanExporter()
    resource = {
        "service.name": SERVICE,
        "service.namespace": NAMESPACE,
        "service.version": VERSION,
    }
    provider = TracerProvider(
        resource=Resource(resource),
        id_generator=sdk_spans.UnseededIds(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(memory))
    states: dict[str, Any] = {}
    with patch.object(trace, "get_tracer", provider.get_tracer):
        result = asyncio.run(run(states))
    provider.shutdown()
    return JunjoRun(memory.get_finished_spans(), states, result)


def canonical_span(sent: ReadableSpan) -> Span:
    """A span of the SDK as an answer has it."""
    values = sdk_spans.answered(sent)
    payload = {name: values[name] for name in PAYLOAD_COLUMNS if name in values}
    names = ("trace_id", "span_id", "parent_span_id", "service_name", "name")
    numbers = ("start_time_unix_nano", "duration_ns", "status_code", "span_kind")
    return answered_spans.answered(**{name: values[name] for name in (*names, *numbers)}, **payload)
