"""A span out of the JSON that answers have of it: the inverse of ``answer_json.span_json``."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from indexer.query.span import HotTable, Span
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.spans.payload import Payload

_NO_SOURCE = HotTable(pa.table({}))
"""Of a span that somebody else has read: its payload is there."""


def span_from_json(said: Mapping[str, Any]) -> Span:
    """The span with its payload, and without the place that it was read from."""
    start, end = said["start_time_unix_nano"], said["end_time_unix_nano"]
    return Span(
        trace_id=said["trace_id"],
        span_id=said["span_id"],
        parent_span_id=said["parent_span_id"],
        service_name=said["service_name"],
        name=said["name"],
        start_time_unix_nano=start,
        duration_ns=(end or 0) - start,
        status_code=said["status_code"],
        span_kind=said["span_kind"],
        source=_NO_SOURCE,
        row=0,
        payload=Payload(**{name: said.get(name) for name in PAYLOAD_COLUMNS}),
    )
