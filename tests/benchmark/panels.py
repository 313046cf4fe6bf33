"""The questions of Junjo's front end: their paths, the same as SQL, and what they are about."""

import http.client
import json
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tests.benchmark.layout import SERVICE_NAMES, Shape, trace_ids

LISTS_AT_MOST_MS = 10.0
LLM_AT_MOST_MS = 30.0
TRACE_P50_AT_MOST_MS, TRACE_P99_AT_MOST_MS = 10.0, 50.0
"""Aims. With sixteen clients on two cores they hold for what sixteen closed loops leave of them."""
PAGE = 100
API = "/junjo/0.70/api/v1/observability"
"""Of the release with pages of up to 10,000 spans and LLM calls of any service."""
_ROOTS = "SELECT * FROM spans WHERE service_name = ? AND parent_span_id IS NULL"
_NEWEST = "ORDER BY start_time DESC, trace_id, span_id LIMIT"
_LLM_TRACES = """SELECT trace_id FROM spans
WHERE (attributes->>'openinference.span.kind') = 'LLM' OR attributes LIKE '%"gen_ai.%'"""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question: its path and its SQL, both about an argument that is drawn anew each time."""

    name: str
    path: str
    sql: str
    draw: Callable[["Subjects"], dict[str, str]]
    p50_at_most: float
    p99_at_most: float | None = None


def _service(subjects: "Subjects") -> dict[str, str]:
    return {"service": subjects.random.choice(SERVICE_NAMES)}


PANELS = (
    Panel(
        name="services",
        path=f"{API}/services",
        sql="SELECT DISTINCT service_name FROM spans",
        draw=lambda _: {},
        p50_at_most=LISTS_AT_MOST_MS,
    ),
    *(
        Panel(
            name=f"latest {count} roots of a service",
            path=f"{API}/services/{{service}}/spans/root?limit={count}",
            sql=f"{_ROOTS} {_NEWEST} {count}",
            draw=_service,
            p50_at_most=LISTS_AT_MOST_MS,
        )
        for count in (PAGE, 500)
    ),
    Panel(
        name=f"latest {PAGE} roots of LLM traces",
        path=f"{API}/services/{{service}}/spans/root?has_llm=true&limit={PAGE}",
        sql=f"{_ROOTS} AND trace_id IN ({_LLM_TRACES}) {_NEWEST} {PAGE}",
        draw=_service,
        p50_at_most=LLM_AT_MOST_MS,
    ),
    Panel(
        name=f"latest {PAGE} workflows",
        path=f"{API}/services/{{service}}/workflows?limit={PAGE}",
        sql=f"""SELECT * FROM spans WHERE service_name = ?
            AND (attributes->>'junjo.span_type') = 'workflow' {_NEWEST} {PAGE}""",
        draw=lambda _: {"service": "assistant"},
        p50_at_most=LISTS_AT_MOST_MS,
    ),
    Panel(
        name="a trace with payload",
        path=f"{API}/traces/{{trace}}/spans",
        sql="SELECT * FROM spans WHERE trace_id = ?",
        draw=lambda subjects: {"trace": subjects.trace()},
        p50_at_most=TRACE_P50_AT_MOST_MS,
        p99_at_most=TRACE_P99_AT_MOST_MS,
    ),
    Panel(
        name="one span with payload",
        path=f"{API}/traces/{{trace}}/spans/{{span}}",
        sql="SELECT * FROM spans WHERE trace_id = ? AND span_id = ?",
        draw=lambda subjects: subjects.span(),
        p50_at_most=TRACE_P50_AT_MOST_MS,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question: how long it took, how long it says it took, and its answer."""

    ms: float
    index_ms: float
    payload_ms: float
    complete: bool
    body: bytes


class Subjects:
    """What questions are about: traces of the whole corpus, hardly one of them twice."""

    def __init__(self, shape: Shape, address: tuple[str, int]) -> None:
        self.random = random.Random(shape.seed)
        files = self.random.sample(range(shape.files), min(shape.files, 100))
        self._traces = [trace for file in files for trace in trace_ids(shape, file)]
        with closing(connection(address)) as client:
            self._spans = [self._one(client) for _ in range(200)]

    def trace(self) -> str:
        return self.random.choice(self._traces)

    def span(self) -> dict[str, str]:
        return self.random.choice(self._spans)

    def _one(self, client: http.client.HTTPConnection) -> dict[str, str]:
        trace = self.trace()
        found = json.loads(ask(client, f"{API}/traces/{trace}/spans").body)
        return {"trace": trace, "span": self.random.choice(found)["span_id"]}


def connection(address: tuple[str, int]) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(*address, timeout=60)


def ask(client: http.client.HTTPConnection, path: str) -> Asked:
    """Raises AssertionError for an answer that is not good."""
    started = time.perf_counter()
    client.request("GET", path)
    answer = client.getresponse()
    body = answer.read()
    ms = (time.perf_counter() - started) * 1e3
    assert answer.status == 200, f"{path}: {answer.status} {body[:500]!r}"
    said = answer.headers["Server-Timing"] or "index;dur=0, payload;dur=0"
    index_ms, payload_ms = (float(one.rpartition("=")[2]) for one in said.split(","))
    return Asked(
        ms=ms,
        index_ms=index_ms,
        payload_ms=payload_ms,
        complete=answer.headers["X-Complete"] == "true",
        body=body,
    )


def same(rows: list[dict[str, Any]], answer: Any) -> bool:
    """Whether both name the same services, or the same spans with as many attributes each."""
    listed = answer if isinstance(answer, list) else [answer]
    if all(isinstance(one, str) for one in listed):
        return {row["service_name"] for row in rows} == set(listed)
    scanned = {row["span_id"]: json.loads(row["attributes"]) for row in rows}
    answered = {span["span_id"]: span["attributes_json"] for span in listed}
    return len(answered) == len(listed) and _sizes(scanned) == _sizes(answered)


def _sizes(spans: dict[str, dict[str, Any]]) -> dict[str, int]:
    """How many attributes each span has, but those that have columns of their own."""
    return {
        span_id: sum(not key.startswith("junjo.") for key in found)
        for span_id, found in spans.items()
    }
