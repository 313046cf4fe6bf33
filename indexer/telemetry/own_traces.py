"""The service's own traces over OTLP, when OpenTelemetry's own variables ask for them.

``OTEL_TRACES_EXPORTER=otlp`` turns them on; the SDK reads endpoint and headers from its variables.
Without that variable nothing is sent.
"""

import logging
import os
import threading
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace

from indexer import __version__
from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidSettings
from indexer.telemetry.log import TRACES_FAILED, TRACES_STARTED, TRACES_TO_ITSELF, log

EXPORTER, PROTOCOL = "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL"
ENDPOINT, TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
DEFAULT_ENDPOINT = "http://localhost:4318"
"""OpenTelemetry's, for OTLP over HTTP."""
SERVICE_NAME = "span-indexer"
FLUSH_S = 1.5
"""How long a stop waits for a collector, of the seconds that a stop may take in all."""
REPORT_EVERY_S = 60.0
"""An unreachable collector is reported once a minute, not at each attempt."""


@dataclass(frozen=True, slots=True)
class OwnTraces:
    """Where spans of this process go until ``close``; ``provider`` is None when nowhere."""

    provider: Any = None

    def close(self) -> None:
        """Send the last spans, if the collector accepts them in time."""
        if self.provider is None:
            return
        last = threading.Thread(target=self.provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(FLUSH_S)


def own_traces(receiver: str) -> OwnTraces:
    """As the environment asks. ``receiver`` is the host:port of this program's own OTLP over HTTP.

    Raises InvalidSettings for what is asked for and not supported.
    """
    asked = os.environ.get(EXPORTER, "").strip().lower()
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if asked in {"", "none"} or disabled:
        return OwnTraces()
    if asked != "otlp":
        raise InvalidSettings(f"{EXPORTER}={asked} is not supported", hint="Set otlp, or unset it.")
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(PROTOCOL)
    if protocol not in {None, "", "http/protobuf"}:
        hint = "Set http/protobuf, and an endpoint for it, usually on port 4318."
        raise InvalidSettings(f"{PROTOCOL}={protocol} is not supported", hint=hint)
    endpoint = _endpoint()
    provider = _provider()
    _report_failures()
    trace.set_tracer_provider(provider)
    log(TRACES_STARTED, f"own traces go to {endpoint}", endpoint=endpoint)
    if _is_same(endpoint, receiver):
        log(
            TRACES_TO_ITSELF,
            f"own traces go to this program's own receiver {receiver}: each file of them that is "
            "indexed makes a span for the next one",
        )
    return OwnTraces(provider)


def _endpoint() -> str:
    """As the SDK finds it."""
    if whole := os.environ.get(TRACES_ENDPOINT):
        found = whole
    else:
        found = f"{(os.environ.get(ENDPOINT) or DEFAULT_ENDPOINT).rstrip('/')}/v1/traces"
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidSettings(f"{ENDPOINT}: {found} is not an http or https URL")
    return found


def _provider() -> trace.TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - same
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - same
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - same
    except ImportError as error:
        raise InvalidSettings(
            f"{EXPORTER}=otlp needs a package that is not installed: {error.name}",
            hint=f"Install span-indexer with its extra `telemetry`, or unset {EXPORTER}.",
        ) from error
    facts = {"service.version": __version__}
    named = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if not os.environ.get("OTEL_SERVICE_NAME") and "service.name=" not in named:
        facts["service.name"] = SERVICE_NAME
    provider = TracerProvider(resource=Resource.create(facts), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _is_same(endpoint: str, receiver: str) -> bool:
    """Whether that may be this program's own receiver: its port, on this machine."""
    host, _, port = receiver.rpartition(":")
    parts = urlsplit(endpoint)
    local = {"localhost", "127.0.0.1", "::1", "0.0.0.0", host.strip("[]")}  # noqa: S104 - compared
    return bool(port) and str(parts.port or "") == port and parts.hostname in local


class _CollectorFailures(logging.Handler):
    """What the SDK logs about a collector, as an event of this program, once a minute at most."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._reported_s: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._reported_s is None or record.created - self._reported_s >= REPORT_EVERY_S:
            self._reported_s = record.created
            log(TRACES_FAILED, f"own traces are not accepted: {record.getMessage()}")


def _report_failures() -> None:
    logger = logging.getLogger("opentelemetry")
    logger.handlers = [_CollectorFailures()]
    logger.propagate = False
