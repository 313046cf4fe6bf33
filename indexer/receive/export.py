"""Accept one export request, whether it came over gRPC or HTTP.

A trace request goes to the sink as the bytes of its protobuf form, and is answered once the sink
has made it durable. Spans that are rejected are counted in partial_success, as OTLP asks.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Protocol

from google.protobuf.message import Message

from indexer.errors import IndexerError, WalBusy
from indexer.otlp.admission import admit
from indexer.otlp.json_requests import admit_json
from indexer.otlp.request_limits import REQUEST_LIMITS, RequestLimits
from indexer.otlp.requests import Signal, response
from indexer.telemetry.ingestion_metrics import REQUESTS, SPANS_ACCEPTED, SPANS_REFUSED

LARGE_BYTES = 256 << 10
"""Larger bodies are decoded at most ``LARGE_AT_ONCE`` at a time."""
LARGE_AT_ONCE = 2
"""Decoding holds the interpreter: more at once are no faster, and delay small exports and hot
spans. Of smaller ones one is decoded at a time: threads that take the interpreter from each other
in the middle of one cost a sixth of the time more (measured, with four senders)."""
ACKNOWLEDGE_S = 10.0
"""The OpenTelemetry SDKs' own timeout of an export; whoever waits longer has given up."""


class Sink(Protocol):
    """Where requests become durable."""

    def append(self, body: bytes, span_count: int) -> "Future[bytes]":
        """The future ends when the request is durable. Raises WalBusy."""
        ...


Export = Callable[[bytes, bool], Message]
"""(body, whether it is JSON) -> the response. Raises InvalidOtlp, OtlpTooLarge or WalBusy."""
Exports = Mapping[Signal, Export]
"""The signals that are kept, each with what becomes of its requests."""


def kept_signals(exports: Exports) -> str:
    """The signals in words, for refusals that say what is accepted."""
    names = list(exports)
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def exporter(sink: Sink, limits: RequestLimits = REQUEST_LIMITS) -> Export:
    """The traces service over a sink."""
    large, small = threading.Semaphore(LARGE_AT_ONCE), threading.Lock()

    def export(body: bytes, is_json: bool) -> Message:  # noqa: FBT001 - see Export
        with _counted():
            with large if len(body) > LARGE_BYTES else small:
                admission = (admit_json if is_json else admit)(body, limits)
            if admission.span_count:
                _wait(sink.append(admission.stored, admission.span_count))
        SPANS_ACCEPTED.inc(admission.span_count)
        SPANS_REFUSED.inc(admission.rejected)
        return response("traces", admission.rejected, admission.message)

    return export


@contextmanager
def _counted() -> Iterator[None]:
    """Count the request by how it ends."""
    try:
        yield
    except WalBusy:
        REQUESTS.labels(outcome="busy").inc()
        raise
    except IndexerError:
        REQUESTS.labels(outcome="refused").inc()
        raise
    REQUESTS.labels(outcome="accepted").inc()


def _wait(durable: "Future[bytes]") -> None:
    """Until it is durable. One that takes too long is withdrawn if it can be.

    A sender that is refused sends again, so a refused request must not be in the log as well.
    """
    try:
        durable.result(ACKNOWLEDGE_S)
    except TimeoutError as error:
        if durable.cancel():
            raise WalBusy(f"the request was not durable within {ACKNOWLEDGE_S:g} s") from error
        durable.result()  # its commit has begun, and ends
