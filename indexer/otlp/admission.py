"""What of a trace request is kept: all of it, some of its spans, or none.

An ordinary request is parsed as a whole, and stored as it was sent. Any other is gone through
some spans at a time; spans that hold too much or do not decode are left out of what is stored, and
their neighbours' bytes stay as they are. So the log never has a span beyond limits.
"""

from collections.abc import Iterator, Sequence
from typing import cast

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp, OtlpTooLarge
from indexer.otlp.other_formats import signal_of_records
from indexer.otlp.portions import is_ordinary
from indexer.otlp.rejections import NO_IDS, NO_SPAN_ID, NO_TRACE_ID, UNDECODABLE, Rejections
from indexer.otlp.request_limits import REQUEST_LIMITS, MessageCount, RequestLimits
from indexer.otlp.requests import (
    has_identity,
    is_span_id,
    is_trace_id,
    parse_protobuf,
    repeated_bytes,
    span_count,
    within_repeated_bytes,
)
from indexer.otlp.span_count import messages_at_most
from indexer.otlp.span_groups import SpanGroup, join_groups, span_groups
from indexer.otlp.span_limits import FIELD_BYTES_MIN, SpanCheck

SPAN_BYTES_MIN = 28
"""A trace_id of 16 bytes and a span_id of 8, with key and length: what a span needs to be kept."""

_RECORDS_SEEN = 16
"""Of a request without a valid span: so many are looked at for what they are instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What becomes of a request."""

    stored: bytes
    """The serialised request that is kept; it may have spans that no table takes."""
    span_count: int
    """Its spans that a table takes; nothing is to be stored if there are none."""
    rejected: int
    message: str
    """Why, for ``partial_success``; without a rejection a warning, or empty."""


def admit(
    body: bytes,
    limits: RequestLimits = REQUEST_LIMITS,
    rejections: Rejections | None = None,
) -> Admission:
    """What becomes of a serialised ExportTraceServiceRequest.

    ``rejections`` has the spans that were rejected before it was serialised. Raises InvalidOtlp for
    an invalid request or one of which no span decodes, OtlpTooLarge for one beyond limits.
    """
    found = rejections or Rejections()
    request = _parsed(body) if is_ordinary(body, limits) else None
    if request is not None:
        _find_without_ids(request, found)
        _note_unknown(len(body), len(request.resource_spans), found)
        stored = body
    else:
        stored = _without_rejected(body, limits, found)
    return Admission(
        stored=stored,
        span_count=found.spans - found.rejected,
        rejected=found.rejected,
        message=found.message,
    )


def _parsed(body: bytes) -> ExportTraceServiceRequest | None:
    """The request, or None when a part of it does not decode."""
    try:
        return cast("ExportTraceServiceRequest", parse_protobuf("traces", body))
    except OtlpTooLarge:
        raise
    except InvalidOtlp:
        return None


def _find_without_ids(request: ExportTraceServiceRequest, found: Rejections) -> None:
    total = span_count(request)
    found.spans += total
    without = [
        span
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
        if not has_identity(span)
    ]
    for span in without:
        found.reject(*_missing_ids(span))
    if total and len(without) == total:
        _refuse_other_signal([span.SerializeToString() for span in without[:_RECORDS_SEEN]])


def _without_rejected(body: bytes, limits: RequestLimits, found: Rejections) -> bytes:
    """The request without its rejected spans, which are added to ``found``."""
    selection = _SpanSelection(limits, found)
    kept = bytearray()
    records: list[bytes] = []
    before = found.rejected
    count = _message_count(body, limits.messages)
    for group in span_groups(body, count):
        kept += selection.kept(group)
        if not any(kept) and len(records) < _RECORDS_SEEN:
            records += group.spans[: _RECORDS_SEEN - len(records)]
    found.spans += len(kept)
    _note_unknown(len(body), count.resources, found)
    if found.rejected == before:
        return body
    if not any(kept):
        _refuse_other_signal(records)
        selection.refuse_undecodable()
        return b""
    return join_groups(_chosen(body, kept))


def _message_count(body: bytes, messages_max: int) -> MessageCount:
    """What counts as much of the body as it takes to know that it is within the maximum."""
    if len(body) <= FIELD_BYTES_MIN * messages_max:
        return MessageCount()
    return MessageCount(messages_max, has_parts=messages_at_most(body) > messages_max)


def _chosen(body: bytes, kept: Sequence[int]) -> Iterator[SpanGroup]:
    first = 0
    for group in span_groups(body):
        flags = kept[first : first + len(group.spans)]
        first += len(group.spans)
        spans = [span for span, is_kept in zip(group.spans, flags, strict=True) if is_kept]
        if spans:
            yield SpanGroup(group.resource_spans, group.scope_spans, spans)


def _note_unknown(size_bytes: int, resources: int, found: Rejections) -> None:
    if size_bytes and not resources and not found.spans:
        found.note(f"nothing was understood: none of {size_bytes} bytes is of a traces request")


def _refuse_other_signal(records: Sequence[bytes]) -> None:
    kind = signal_of_records(records)
    if kind:
        raise InvalidOtlp(f"invalid traces request: its records are {kind}")


class _SpanSelection:
    """Selects the spans of one request that are kept, group by group."""

    def __init__(self, limits: RequestLimits, found: Rejections) -> None:
        self._check = SpanCheck(limits.span)
        self._found = found
        self._heads: tuple[bytes, bytes] | None = None
        self._owner_reason = ""
        self._repeated = 0
        self._decoded = 0
        self._undecodable: InvalidOtlp | None = None

    def kept(self, group: SpanGroup) -> bytearray:
        """For each span of the group whether it is kept. Raises OtlpTooLarge."""
        reason = self._reason_of_owner(group)
        if reason:
            self._found.reject(reason, spans=len(group.spans))
            return bytearray(len(group.spans))
        lengths = list(map(len, group.spans))
        if min(lengths) >= SPAN_BYTES_MIN and max(lengths) <= self._check.bytes_min:
            return bytearray(self._decode(group, group.spans))
        fitting = self._fitting(group.spans)
        spans = [span for span, fits in zip(group.spans, fitting, strict=True) if fits]
        verdicts = iter(self._decode(group, spans) if spans else ())
        return bytearray(fits and next(verdicts) for fits in fitting)

    def refuse_undecodable(self) -> None:
        """Raise InvalidOtlp if no span of the request was decodable at all, but some should be."""
        if self._undecodable is not None and not self._decoded:
            raise self._undecodable

    def _reason_of_owner(self, group: SpanGroup) -> str:
        heads = (group.resource_spans, group.scope_spans)
        known = self._heads
        if known is None or known[0] is not heads[0] or known[1] is not heads[1]:
            self._heads = heads
            resource = self._check.resource_excess(group.resource)
            scope = self._check.scope_excess(group.scope)
            self._owner_reason = (
                (resource and f"whose resource has {resource}")
                or (scope and f"whose scope has {scope}")
                or ""
            )
        return self._owner_reason

    def _fitting(self, spans: Sequence[bytes]) -> list[bool]:
        """Whether each is neither too short to be a span nor holds more than one may."""
        most = self._check.bytes_min
        kept = [
            len(span) >= SPAN_BYTES_MIN and (len(span) <= most or self._fits(span))
            for span in spans
        ]
        short = sum(len(span) < SPAN_BYTES_MIN for span in spans)
        if short:
            self._found.reject(NO_IDS, spans=short)
        return kept

    def _fits(self, span: bytes) -> bool:
        try:
            excess = self._check.excess(span)
        except InvalidOtlp as error:
            self._undecodable = error
            self._found.reject(UNDECODABLE)
            return False
        if excess:
            self._found.reject(f"with {excess}")
        return not excess

    def _decode(self, group: SpanGroup, spans: Sequence[bytes]) -> Iterator[bool]:
        """Whether each is a span with its ids: parsed together, or each alone if one is not."""
        request = self._try(group, spans)
        if request is None and len(spans) > 1:
            half = len(spans) // 2
            yield from self._decode(group, spans[:half])
            yield from self._decode(group, spans[half:])
        elif request is None:
            self._found.reject(UNDECODABLE)
            yield False
        else:
            self._count_repeated(request)
            self._decoded += len(spans)
            held = request.resource_spans[0].scope_spans[0].spans
            valid = [has_identity(span) for span in held]
            for span in (span for span, is_valid in zip(held, valid, strict=True) if not is_valid):
                self._found.reject(*_missing_ids(span))
            yield from valid

    def _try(self, group: SpanGroup, spans: Sequence[bytes]) -> ExportTraceServiceRequest | None:
        body = join_groups([SpanGroup(group.resource_spans, group.scope_spans, spans)])
        try:
            return cast("ExportTraceServiceRequest", parse_protobuf("traces", body))
        except OtlpTooLarge:
            raise
        except InvalidOtlp as error:
            self._undecodable = error
            return None

    def _count_repeated(self, request: ExportTraceServiceRequest) -> None:
        self._repeated += repeated_bytes(request)
        within_repeated_bytes(self._repeated)


def _missing_ids(span: Span) -> list[str]:
    reasons = [] if is_trace_id(span.trace_id) else [NO_TRACE_ID]
    return reasons if is_span_id(span.span_id) else [*reasons, NO_SPAN_ID]
