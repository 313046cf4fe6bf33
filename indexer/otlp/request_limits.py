"""What one export request may hold, and how much of it is taken into hand at a time."""

from indexer.deferred_dataclass import dataclass
from indexer.errors import OtlpTooLarge
from indexer.spans.limits import SPAN_LIMITS, SpanLimits

MESSAGES_MAX = 2_000_000
"""Ten of the largest batches of a collector, 8,192 spans with twenty attributes each."""
PORTION_SPANS = 16_384
"""Parsed at a time: 6 MB of empty spans, and 40 ms of a Python loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """The most one export request may hold.

    Attributes:
        messages: Resources, scopes, spans, events, links, attributes, elements of arrays and
            maps, and unknown fields beside the resources, all together. The request is refused
            beyond.
        span: Of one span. It is rejected alone beyond; the attributes of a resource or scope
            beyond them reject the spans of it.

    """

    messages: int = MESSAGES_MAX
    span: SpanLimits = SPAN_LIMITS


REQUEST_LIMITS = RequestLimits()


class MessageCount:
    """Messages of one request, counted while it is walked; without a maximum, all are."""

    def __init__(self, messages_max: int | None = None, *, has_parts: bool = True) -> None:
        self.messages_max = messages_max
        self.has_parts = has_parts and messages_max is not None
        """Whether what is inside spans, resources and scopes has to be counted for the maximum."""
        self.total = 0
        self.resources = 0
        """Of these, the resources."""

    def add(self, messages: int) -> None:
        """Count more. Raises OtlpTooLarge beyond the maximum."""
        self.total += messages
        if self.messages_max is not None and self.total > self.messages_max:
            raise OtlpTooLarge(
                f"the request has more than {self.messages_max} resources, scopes, spans, "
                "events, links, attributes, array elements and unknown fields"
            )
