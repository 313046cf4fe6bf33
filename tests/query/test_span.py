"""A span of an answer has the columns that are declared, and its payload those that are read."""

from __future__ import annotations

from indexer.query.span import Span
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.span_payload import OMITTED
from indexer.spans.payload import Payload
from indexer.spans.schema import COLUMNS, IDENTITY, PLACE
from tests.support.answered_spans import answered

AROUND = {"source", "row", "value", "payload"}
"""Where an answer has the span from, and what was read beside it."""
WHOLE_NAME = "whole_name"
"""Read of a span alone whose name may be cut in the index; it takes the name's place."""


def test_a_span_has_the_declared_columns_but_its_place() -> None:
    assert set(Span._fields) - AROUND == {column.name for column in COLUMNS} - {
        column.name for column in PLACE
    }


def test_two_spans_are_one_by_the_declared_identity() -> None:
    span = answered()
    assert span.identity == tuple(getattr(span, column.name) for column in IDENTITY)


def test_a_payload_is_what_reading_gives() -> None:
    assert Payload._fields == (*PAYLOAD_COLUMNS, OMITTED, WHOLE_NAME)


def test_a_payload_is_added_and_nothing_else_changes() -> None:
    span = answered(value="x", row=3)
    read = span.with_payload(Payload(attributes={"a": 1}))
    assert read._replace(payload=None) == span
    assert read.payload == Payload(attributes={"a": 1})
    assert span.payload is None
