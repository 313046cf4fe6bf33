"""The span of the front end of 0.82: exactly 20 fields, attributes as they were sent. Pure."""

from functools import partial

from indexer.clients.junjo import held
from indexer.clients.junjo.common_fields import common_fields
from indexer.clients.junjo.held import Body, Held
from indexer.clients.junjo.spans import payload_value
from indexer.query.span import UNREADABLE, Span

STATUS_CODES = range(3)
"""OTLP's; another rejects the answer."""
_COUNTS = (
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    "resource_dropped_attributes_count",
)


def body(span: Span) -> Body:
    """Any field more or less would reject the answer that it is in."""
    payload = span.payload or UNREADABLE
    event = partial(held.event_with_text, otherwise_unix_nano=span.start_time_unix_nano)
    resource = payload_value("resource_attributes", payload.resource_attributes)
    return Body.of(
        {
            **common_fields(span, event),
            "status_code": _status(span.status_code),
            **{name: held.count(getattr(payload, name)) for name in _COUNTS},
            "resource_attributes_json": held.attributes(resource),
        }
    )


def _status(code: int) -> Held:
    return Held(str(code)) if code in STATUS_CODES else Held("0", is_altered=True)
