"""A span's payload has the canonical columns, and what was left out of it."""

from __future__ import annotations

from indexer.query.span import Payload
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.span_payload import OMITTED
from tests.support.answered_spans import answered


def test_a_payload_is_what_reading_gives() -> None:
    assert Payload._fields == (*PAYLOAD_COLUMNS, OMITTED)


def test_a_payload_is_added_and_nothing_else_changes() -> None:
    span = answered(value="x", row=3)
    read = span.with_payload(Payload(attributes={"a": 1}))
    assert read._replace(payload=None) == span
    assert read.payload == Payload(attributes={"a": 1})
    assert span.payload is None
