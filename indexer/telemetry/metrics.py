"""Every metric of this program, declared once with what it means, for Prometheus to scrape.

What happens is counted where it happens; what is so at the moment is set by ``set_state`` when
somebody asks. Labels have few values: a route is its template, an unknown method is ``other``.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LAG_BUCKETS_S = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
"""From one file event to a sweep that finds what events missed, and a long outage."""
ANSWER_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""From an index lookup to the limit of a question."""
STARTED_UNIX_NANO = time.time_ns()
SERIES_MAX = 512
"""Of requests and answers that are kept at hand: routes by method and status."""
M = TypeVar("M", bound=MetricWrapperBase)

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
"""Of this process: ingestion and worker are two."""

FILE_LAG = Histogram(
    "span_indexer_file_lag_seconds",
    "From the last change of a file until its spans are answered. Files that changed before the "
    "process started are left out.",
    buckets=LAG_BUCKETS_S,
    registry=REGISTRY,
)
FILES_INDEXED = Counter(
    "span_indexer_files_indexed", "Files that transactions added or replaced.", registry=REGISTRY
)
SPANS_INDEXED = Counter("span_indexer_spans_indexed", "Spans of those files.", registry=REGISTRY)
COMMITS_FAILED = Counter(
    "span_indexer_commits_failed", "Transactions that the database refused.", registry=REGISTRY
)
ANSWERS = Counter(
    "span_indexer_answers",
    "Answers that tell whether they are complete, to dashboards and to commands.",
    ("route", "complete"),
    registry=REGISTRY,
)
ALTERED_SPANS = Counter(
    "span_indexer_altered_spans",
    "Spans in answers with a value that a dialect's body cannot hold, so that another is there.",
    ("route",),
    registry=REGISTRY,
)
REQUESTS = Counter(
    "span_indexer_http_requests",
    "Requests by route, method and status; route `none` is an unknown path.",
    ("route", "method", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "span_indexer_http_request_seconds",
    "From a request's head until its answer was handed over.",
    ("route",),
    buckets=ANSWER_BUCKETS_S,
    registry=REGISTRY,
)

CANARIES = Counter(
    "span_indexer_canaries",
    "Canary spans by outcome: `found`, `missing` after 30 seconds, or `refused` by the receiver.",
    ("outcome",),
    registry=REGISTRY,
)
for _outcome in ("found", "missing", "refused"):
    CANARIES.labels(outcome=_outcome)  # from the start, so that a rate of it is known
CANARY_FRESHNESS = Gauge(
    "span_indexer_canary_freshness_seconds",
    "From the export of a canary span until a question finds it: quantiles of the latest 300. NaN "
    "while INDEXER_CANARY_INTERVAL is 0.",
    ("quantile",),
    registry=REGISTRY,
)
CANARY_QUANTILES = (0.5, 0.95)


def set_canary_quantiles(quantile: Callable[[float], float]) -> None:
    """Each quantile by its share."""
    for share in CANARY_QUANTILES:
        CANARY_FRESHNESS.labels(quantile=f"{share:g}").set(quantile(share))


set_canary_quantiles(lambda _: math.nan)


def _state(name: str, description: str) -> Gauge:
    gauge = Gauge(name, description, registry=REGISTRY)
    gauge.set(math.nan)
    return gauge


HEALTHY = _state("span_indexer_healthy", "1 when `status` names no problem, 0 when it does.")
STATE: Mapping[Gauge, tuple[str, ...]] = {
    _state("span_indexer_files", "Files that the index holds."): ("files",),
    _state("span_indexer_spans", "Spans that the index holds."): ("spans",),
    _state("span_indexer_files_quarantined", "Files that are refused."): ("quarantined_files",),
    _state("span_indexer_parquet_bytes", "Size of the indexed files."): ("parquet_bytes",),
    _state("span_indexer_catalog_bytes", "Size of the catalog with its log."): ("catalog_bytes",),
    _state("span_indexer_files_ready", "Files that are to be read now."): ("files_ready",),
    _state("span_indexer_files_waiting", "Files that are to be read later."): ("files_waiting",),
    _state("span_indexer_questions", "Questions of dashboards that are here."): (
        "in_use",
        "questions_of_dashboards",
    ),
    _state(
        "span_indexer_questions_limit", "Questions that may be; others are told to come back."
    ): ("limits", "questions_of_dashboards"),
    _state("span_indexer_answer_bytes", "Payload of all answers that are being made."): (
        "in_use",
        "answer_bytes",
    ),
    _state("span_indexer_answer_bytes_limit", "As much as it may be, INDEXER_ANSWERS_BYTES_MAX."): (
        "limits",
        "answer_bytes",
    ),
    _state(
        "span_indexer_hot_reachable", "1 when the hot tier answers, 0 when not, NaN without one."
    ): ("hot", "reachable"),
    _state("span_indexer_hot_spans", "Spans that are in no indexed file yet."): ("hot", "spans"),
    _state("span_indexer_hot_lost_spans", "Spans that left the hot tier and reached no file."): (
        "hot",
        "lost_spans",
    ),
}
"""Each with its place in the worker's status; NaN while that does not say."""

PROCESS = {
    "process_resident_memory_bytes": "Memory of the process that is in RAM.",
    "process_virtual_memory_bytes": "Memory that it has mapped.",
    "process_cpu_seconds_total": "Processor time that it has used.",
    "process_start_time_seconds": "When it started, Unix time.",
    "process_open_fds": "Files and sockets that it has open.",
    "process_max_fds": "As many as it may.",
}
"""What Prometheus's own collector tells of every process, under the names it always has."""
ProcessCollector(registry=REGISTRY)

DECLARED: tuple[MetricWrapperBase, ...] = (
    FILE_LAG,
    FILES_INDEXED,
    SPANS_INDEXED,
    COMMITS_FAILED,
    ANSWERS,
    ALTERED_SPANS,
    REQUESTS,
    REQUEST_SECONDS,
    CANARIES,
    CANARY_FRESHNESS,
    HEALTHY,
    *STATE,
)


def files_indexed(modified_unix_nano: Iterable[int], *, spans: int, now_unix_nano: int) -> None:
    """Count the files of a transaction that is committed, by their times of modification."""
    files = 0
    for modified in modified_unix_nano:
        files += 1
        if modified >= STARTED_UNIX_NANO:
            FILE_LAG.observe(max(0, now_unix_nano - modified) / 1e9)
    FILES_INDEXED.inc(files)
    SPANS_INDEXED.inc(spans)


def count_answer(route: str, *, complete: bool) -> None:
    """Count an answer; ``route`` is the template."""
    _series(ANSWERS, route, "yes" if complete else "no").inc()


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count and time a request; ``route`` is the template."""
    _series(REQUESTS, route, method, str(status)).inc()
    _series(REQUEST_SECONDS, route).observe(seconds)


def count_altered(route: str, spans: int) -> None:
    """Count spans with altered values; 0 begins the series."""
    series = _series(ALTERED_SPANS, route)
    if spans:
        series.inc(spans)


@lru_cache(maxsize=SERIES_MAX)
def _series(metric: M, *labels: str) -> M:
    """The one with these values of its labels, in their order, which takes long to look for."""
    return metric.labels(*labels)


def set_state(status: Mapping[str, Any]) -> None:
    """What the worker's status says, as gauges."""
    HEALTHY.set(bool(status.get("healthy")))
    for gauge, place in STATE.items():
        value: Any = status
        for name in place:
            value = (value or {}).get(name)
        gauge.set(math.nan if value is None else value)


def exposition() -> bytes:
    """All of it in Prometheus's text format."""
    return generate_latest(REGISTRY)
