"""What it costs to know that a request is within limits, as a share of all that ingestion costs.

A request of any size is gone through before it is stored; an ordinary one is found so by its
outline, a larger one some spans at a time. What the same request costs to be parsed once, and its
ids to be looked at, is left out: that is needed without limits too. Processor time throughout.
"""

import gc
import time
from collections.abc import Callable
from typing import cast

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.otlp.admission import admit
from indexer.otlp.requests import has_identity, parse_protobuf
from tests.benchmark.embedded import embedded
from tests.benchmark.export_bodies import SPANS, Bodies
from tests.benchmark.load import sending
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.report import Line

SHARE_AT_MOST = 0.05
REQUESTS = (1, 16, 32)
"""So many of the SDKs' batches in one body: an SDK's own, a Collector's, and one above 4 MiB."""
TURNS = 7


def measure(plan: Plan) -> list[Line]:
    """The share of counting for each size of a body."""
    whole_us = _ingestion_us(plan)
    bodies = Bodies(11)
    first = time.time_ns()
    made = [b"".join(bodies.body(n, first) for n in range(many)) for many in REQUESTS]
    return [_line(body, SPANS * many, whole_us) for body, many in zip(made, REQUESTS, strict=True)]


def _line(body: bytes, spans: int, whole_us: float) -> Line:
    admitted, parsed = [], []
    for _ in range(TURNS):
        admitted.append(_span_us(lambda: admit(body), spans))
        parsed.append(_span_us(lambda: _parse(body), spans))
    cost_us = min(admitted) - min(parsed)
    return Line(
        name=f"counting a request of {spans:,} spans",
        measured=cost_us,
        unit="us/span",
        compared=whole_us,
        compared_with="receiving, the log and the file",
        ratio=cost_us / whole_us,
        at_most=SHARE_AT_MOST,
        details={
            "body_mib": round(len(body) / (1 << 20), 2),
            "admit_us": round(min(admitted), 3),
            "parse_us": round(min(parsed), 3),
        },
    )


def _parse(body: bytes) -> None:
    request = cast("ExportTraceServiceRequest", parse_protobuf("traces", body))
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            assert all(map(has_identity, scope.spans))


def _span_us(work: Callable[[], object], spans: int) -> float:
    gc.collect()
    rounds = max(1, 20_000 // spans)
    before = time.process_time_ns()
    for _ in range(rounds):
        work()
    return (time.process_time_ns() - before) / rounds / spans / 1_000


def _ingestion_us(plan: Plan) -> float:
    """Processor time a span of the ingestion and its writer at full speed."""
    with (
        scratch("counting") as folder,
        embedded(folder) as running,
        sending(running, seed=11, seconds=max(3.0, plan.load_s / 4), rate=None) as sent,
    ):
        before_s = running.parts.processor_s()
        sent.ended()
        running.held(sent.acknowledged)
        used = running.parts.processor_s()
        parts = [part for part in used if part != "worker"]
        spent_s = sum(used[part] - before_s.get(part, 0.0) for part in parts)
        return spent_s * 1e6 / sent.acknowledged
