"""Spans as answers have them, from what is particular about each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from indexer.query.span import HotTable, Span
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.spans.payload import Payload
from tests.support.span_files import T0

SPAN = Span(
    trace_id="ab" * 16,
    span_id="cd" * 8,
    parent_span_id=None,
    service_name="shop",
    name="GET /",
    start_time_unix_nano=T0,
    duration_ns=1_000,
    status_code=0,
    span_kind=2,
    source=HotTable(pa.table({})),
    row=0,
)


def answered(**values: Any) -> Span:
    """A span with these values of its metadata and, if there are any, of its payload."""
    payload = {name: values.pop(name) for name in PAYLOAD_COLUMNS if name in values}
    return SPAN._replace(**values, payload=Payload(**payload) if payload else None)
