"""Parse export requests and build their responses, for any transport.

Whatever the bytes are, they are a request or ``InvalidOtlp``: servers answer that with a status
that tells the sender not to try again. What is accepted here can be made into a table later
(see ``spans``), so nothing that was acknowledged gets stuck before it is in a file.
"""

from typing import Literal

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.errors import InvalidOtlp, OtlpTooLarge
from indexer.otlp.json_mapping import NotThisMessage, read_message
from indexer.otlp.json_reader import DECODER

Signal = Literal["traces", "metrics", "logs"]

REPEATED_BYTES_MAX = 256 << 20
"""A request has a resource once, a table has it in each row of its spans. Beyond this a request of
a few megabytes would become a table of gigabytes."""

_REQUESTS: dict[Signal, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
_RESPONSES: dict[Signal, tuple[type[Message], str]] = {
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
}
_NO_TRACE_ID, _NO_SPAN_ID = bytes(16), bytes(8)


def parse_protobuf(signal: Signal, body: bytes) -> Message:
    """The request in binary protobuf; unknown fields are ignored.

    Raises InvalidOtlp.
    """
    try:
        request = _REQUESTS[signal].FromString(body)
    except DecodeError as error:
        raise InvalidOtlp(f"invalid {signal} request in protobuf: {error}") from error
    return _within_bounds(request)


def parse_json(signal: Signal, body: bytes) -> Message:
    """The request that OTLP's JSON says, exact to the last digit. Raises InvalidOtlp."""
    try:
        document = DECODER.decode(body.decode("utf-8-sig"))
        request = read_message(_REQUESTS[signal], document)
    except (ValueError, NotThisMessage) as error:
        raise InvalidOtlp(f"invalid {signal} request in JSON: {error}") from error
    except RecursionError as error:
        raise InvalidOtlp(f"invalid {signal} request in JSON: nested too deeply") from error
    return _within_bounds(request)


def empty_request(signal: Signal) -> Message:
    """A request of the signal without anything in it."""
    return _REQUESTS[signal]()


def span_count(request: Message) -> int:
    """The number of spans, valid or not; 0 for a request of another signal."""
    if not isinstance(request, ExportTraceServiceRequest):
        return 0
    return sum(len(scope.spans) for each in request.resource_spans for scope in each.scope_spans)


def response(signal: Signal, rejected: int = 0, message: str = "") -> Message:
    """The response to the sender: empty when nothing was rejected and there is no message."""
    kind, counted = _RESPONSES[signal]
    if not rejected and not message:
        return kind()
    return kind(partial_success={counted: rejected, "error_message": message})


def has_identity(span: Span) -> bool:
    """Whether the span has a valid trace_id and span_id."""
    return is_trace_id(span.trace_id) and is_span_id(span.span_id)


def repeated_bytes(request: Message) -> int:
    """Bytes of resources and scopes, counted once for each of their spans."""
    if not isinstance(request, ExportTraceServiceRequest):
        return 0
    total = 0
    for each in request.resource_spans:
        resource = each.resource.ByteSize()
        for scope in each.scope_spans:
            total += (resource + scope.scope.ByteSize()) * len(scope.spans)
    return total


def within_repeated_bytes(repeated: int) -> None:
    """Raise OtlpTooLarge when resources and scopes are too long for the number of their spans."""
    if repeated > REPEATED_BYTES_MAX:
        raise OtlpTooLarge(
            f"resources and scopes, repeated for each span, have {repeated} bytes, "
            f"limit {REPEATED_BYTES_MAX}",
            hint="Send smaller batches, or fewer and shorter resource attributes.",
        )


def _within_bounds(request: Message) -> Message:
    within_repeated_bytes(repeated_bytes(request))
    return request


def is_trace_id(found: bytes) -> bool:
    """Whether the bytes are a valid trace_id."""
    return len(found) == len(_NO_TRACE_ID) and found != _NO_TRACE_ID


def is_span_id(found: bytes) -> bool:
    """Whether the bytes are a valid span_id."""
    return len(found) == len(_NO_SPAN_ID) and found != _NO_SPAN_ID
