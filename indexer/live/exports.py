"""Export requests of all signals as pieces of rings: checked, cut where they are large, and kept.

What is kept is what was sent. A request is acknowledged once its rows are in the ring, where the
next query sees them; whether they stay there is not promised.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import cast

from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp, OtlpTooLarge
from indexer.live.limits import KIB, MIB, RingLimits
from indexer.live.otlp_records import (
    MEMBERS,
    joined,
    outlined_repeated_bytes,
    record_count,
    records,
    repeated_bytes,
)
from indexer.live.ring import Piece
from indexer.otlp.admission import admit
from indexer.otlp.files.signals import signal_of_message
from indexer.otlp.json_requests import admit_json
from indexer.otlp.requests import (
    Signal,
    has_identity,
    parse_json,
    parse_protobuf,
    response,
    within_repeated_bytes,
)
from indexer.receive.export import LARGE_AT_ONCE, LARGE_BYTES, Export

BODY_BYTES_MAX = 4 * MIB
"""Of a request, inflated: what gRPC takes by itself, and a collector. Parsed, records that say
nothing take fifty times their bytes."""
REPEATED_BYTES_MAX = 16 * MIB
"""Of resources and scopes as the rows of a piece repeat them; larger requests are cut."""
CUT_BYTES_MIN = 64 * KIB
"""A request below is not worth cutting however small its ring is."""

Append = Callable[[Signal, list[Piece]], None]


def exporter(signal: Signal, append: Append, limits: RingLimits) -> Export:
    """The service of a signal over its ring."""
    large = threading.Semaphore(LARGE_AT_ONCE)
    admission = _admit_traces if signal == "traces" else _admit_records

    def export(body: bytes, is_json: bool) -> Message:  # noqa: FBT001 - see Export
        if len(body) > BODY_BYTES_MAX:
            raise OtlpTooLarge(f"the request has {len(body)} bytes, limit {BODY_BYTES_MAX}")
        with large if len(body) > LARGE_BYTES else nullcontext():
            admitted = admission(signal, body, is_json=is_json)
            pieces = list(_pieces(signal, admitted, limits)) if admitted.rows else []
        append(signal, pieces)
        return admitted.response

    return export


@dataclass(frozen=True, slots=True)
class _Admitted:
    """What of a request is kept, and what its sender is told."""

    stored: bytes
    rows: int
    repeated_bytes: int
    response: Message


def _admit_traces(signal: Signal, body: bytes, *, is_json: bool) -> _Admitted:
    """Raises InvalidOtlp."""
    found = (admit_json if is_json else admit)(body)
    stored = found.stored
    if found.rejected and found.span_count:
        stored = _with_identity(stored)
    answer = response(signal, found.rejected, found.message)
    return _Admitted(stored, found.span_count, outlined_repeated_bytes(stored), answer)


def _with_identity(stored: bytes) -> bytes:
    """Without the spans that have no IDs, which a log of requests may keep and a ring does not."""
    request = cast("ExportTraceServiceRequest", parse_protobuf("traces", stored))
    for each in request.resource_spans:
        for scope in each.scope_spans:
            kept = [span for span in scope.spans if has_identity(span)]
            if len(kept) < len(scope.spans):
                del scope.spans[:]
                scope.spans.extend(kept)
    return request.SerializeToString()


def _admit_records(signal: Signal, body: bytes, *, is_json: bool) -> _Admitted:
    """Raises InvalidOtlp."""
    found = signal if is_json else signal_of_message(body)
    if found not in {None, signal}:
        raise InvalidOtlp(f"invalid {signal} request: its records are {found}")
    request = (parse_json if is_json else parse_protobuf)(signal, body)
    resources = getattr(request, MEMBERS[signal].resources)
    repeated = repeated_bytes(signal, resources)
    within_repeated_bytes(repeated)
    stored = request.SerializeToString() if is_json else body
    return _Admitted(stored, record_count(signal, resources), repeated, response(signal))


def _pieces(signal: Signal, admitted: _Admitted, limits: RingLimits) -> Iterator[Piece]:
    """The request, or parts of it where one piece would be a large part of its ring."""
    stored, rows = admitted.stored, admitted.rows
    most = max(CUT_BYTES_MIN, limits.segment_bytes)
    parts = max(-(-len(stored) // most), -(-admitted.repeated_bytes // REPEATED_BYTES_MAX))
    if parts == 1:
        yield Piece(stored, rows, len(stored))
        return
    resources = getattr(parse_protobuf(signal, stored), MEMBERS[signal].resources)
    for count, body in joined(signal, records(signal, resources), max(1, rows // parts)):
        yield Piece(body, count, len(body))
