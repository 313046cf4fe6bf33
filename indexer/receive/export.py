"""What an export request comes to, whichever way it arrived.

A trace request goes to the sink as the bytes of its protobuf form, and is answered once the sink
has made it durable. Spans that no store can hold are counted in partial_success, as OTLP asks.
"""

import hmac
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from google.protobuf.message import Message

from indexer.errors import WalBusy
from indexer.otlp.requests import (
    parse_json,
    parse_protobuf,
    partial_success,
    response,
    span_count,
)

BODY_BYTES_MAX = 64 << 20
"""OTLP 1.10 recommends 64 MiB, after decompression."""
ACKNOWLEDGE_S = 10.0
"""The OpenTelemetry SDKs' own timeout of an export; whoever waits longer has given up."""
RETRY_AFTER_S = 1
"""How long a sender is asked to wait when the sink is busy."""


class Sink(Protocol):
    """Where requests become durable."""

    def append(self, body: bytes, span_count: int) -> "Future[bytes]":
        """The future ends when the request is durable. Raises WalBusy."""
        ...


Export = Callable[[bytes, bool], Message]
"""(body, whether it is JSON) -> the response. Raises InvalidOtlp or WalBusy."""


def exporter(sink: Sink) -> Export:
    """The traces service over a sink."""

    def export(body: bytes, is_json: bool) -> Message:  # noqa: FBT001 - see Export
        request = (parse_json if is_json else parse_protobuf)("traces", body)
        spans = span_count(request)
        rejected, reason = partial_success(request)
        if spans > rejected:
            stored = request.SerializeToString() if is_json else body
            _wait(sink.append(stored, spans - rejected))
        return response("traces", rejected, reason)

    return export


def is_allowed(expected: str | None, given: str | None) -> bool:
    """Whether an API key is the right one; compared in constant time. None expects none."""
    if expected is None:
        return True
    return hmac.compare_digest(expected.encode(), (given or "").encode())


def _wait(durable: "Future[bytes]") -> None:
    try:
        durable.result(ACKNOWLEDGE_S)
    except TimeoutError as error:
        raise WalBusy(f"the request was not durable within {ACKNOWLEDGE_S:g} s") from error
