"""Every metric of the ingestion, for Prometheus to scrape: a process and a registry of their own.

What happens is counted where it happens; what is so at the moment is set when somebody asks.
"""

import math
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.metrics import MetricWrapperBase

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "span_ingestion_requests",
    "Export requests by outcome: `accepted`, `refused` as invalid, or `busy` where the sender was "
    "asked to retry.",
    ("outcome",),
    registry=REGISTRY,
)
SPANS_ACCEPTED = Counter(
    "span_ingestion_spans_accepted", "Spans that are durable in the log.", registry=REGISTRY
)
SPANS_REFUSED = Counter(
    "span_ingestion_spans_refused",
    "Spans of accepted requests that partial_success named as rejected.",
    registry=REGISTRY,
)
FLUSHES = Counter("span_ingestion_flushes", "Files that were written.", registry=REGISTRY)
FLUSHES_FAILED = Counter(
    "span_ingestion_flushes_failed",
    "Flushes that did not happen and are retried.",
    registry=REGISTRY,
)
FILES_EXPIRED = Counter(
    "span_ingestion_files_expired", "Files that retention deleted.", registry=REGISTRY
)
FILES_EXPIRED_UNCONFIRMED = Counter(
    "span_ingestion_files_expired_unconfirmed",
    "Those of them that no worker had confirmed.",
    registry=REGISTRY,
)


def _state(name: str, description: str) -> Gauge:
    gauge = Gauge(name, description, registry=REGISTRY)
    gauge.set(math.nan)
    return gauge


STATE: Mapping[str, Gauge] = {
    "log_bytes": _state("span_ingestion_log_bytes", "Requests in the log that are in no file."),
    "log_bytes_limit": _state(
        "span_ingestion_log_bytes_limit", "As many as there may be, INGESTION_WAL_BYTES_MAX."
    ),
    "log_spans": _state("span_ingestion_log_spans", "Spans of those requests."),
    "oldest_unflushed_seconds": _state(
        "span_ingestion_oldest_unflushed_seconds", "Since the oldest of them was acknowledged."
    ),
    "files_unconfirmed": _state(
        "span_ingestion_files_unconfirmed", "Files that no worker has confirmed yet."
    ),
    "ready": _state("span_ingestion_ready", "1 when `/readyz` says ready, 0 when it does not."),
}
"""By the names of ``set_state``; NaN while they are not known."""

ProcessCollector(registry=REGISTRY)

DECLARED: tuple[MetricWrapperBase, ...] = (
    REQUESTS,
    SPANS_ACCEPTED,
    SPANS_REFUSED,
    FLUSHES,
    FLUSHES_FAILED,
    FILES_EXPIRED,
    FILES_EXPIRED_UNCONFIRMED,
    *STATE.values(),
)


def set_state(values: Mapping[str, float]) -> None:
    """What is so at the moment; what is not given is not known."""
    for name, gauge in STATE.items():
        gauge.set(values.get(name, math.nan))


def exposition() -> bytes:
    """All of it in Prometheus's text format."""
    return generate_latest(REGISTRY)
