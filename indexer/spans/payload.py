"""The payload of a span as answers have it: what does not lie in the index. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Payload(NamedTuple):
    """The payload columns in canonical form (see ``read.span_payload``); None is absent.

    Attributes, events and links are values of JSON; what is not JSON is its text.
    """

    status_message: Any = None
    attributes: Any = None
    events: Any = None
    links: Any = None
    resource_attributes: Any = None
    trace_state: Any = None
    flags: Any = None
    dropped_attributes_count: Any = None
    dropped_events_count: Any = None
    dropped_links_count: Any = None
    resource_dropped_attributes_count: Any = None
    scope_name: Any = None
    scope_version: Any = None
    scope_attributes: Any = None
    omitted: Mapping[str, int] | None = None
    """What is left out of a span that is beyond the limits of one, a count by column."""
    whole_name: str | None = None
    """Of a span whose name may be cut in the index."""
