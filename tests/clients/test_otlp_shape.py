"""Canonical spans as OTLP's JSON decode to the same canonical spans, whatever was sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.otlp_shape import any_value, otlp_json
from indexer.otlp.requests import parse_json
from indexer.otlp.spans import span_table
from indexer.query.span import Span
from indexer.query.tiers.hot_spans import hot_payload, unindexed_spans
from tests.otlp.messages import requests
from tests.support.answered_spans import answered
from tests.support.examples import examples
from tests.support.span_files import T0

NOT_COMPARED = {"source": None, "row": 0}
"""Where a span lies is not what it is."""


def canonical(body: bytes) -> list[Span]:
    """The spans of a request as an answer has them."""
    table = span_table([body])
    part = unindexed_spans(table)
    found = part.spans(part.columns, {})
    payloads = hot_payload(table, [one.row for one in found])
    spans = [one.with_payload(payload) for one, payload in zip(found, payloads, strict=True)]
    return sorted((one._replace(**NOT_COMPARED) for one in spans), key=repr)


def decoded(document: dict[str, Any]) -> ExportTraceServiceRequest:
    """By the decoder of what senders send."""
    found = parse_json("traces", as_json(document))
    assert isinstance(found, ExportTraceServiceRequest)
    return found


@examples(40, suppress_health_check=[HealthCheck.too_slow])
@given(request=requests)
def test_what_was_sent_comes_back_as_equal_canonical_spans(
    request: ExportTraceServiceRequest,
) -> None:
    spans = canonical(request.SerializeToString())
    again = decoded(otlp_json(spans)).SerializeToString()
    assert canonical(again) == spans


def test_spans_of_one_resource_and_scope_stand_together() -> None:
    shop = {"resource_attributes": {"service.name": "shop"}, "scope_name": "http"}
    cart = {"resource_attributes": {"service.name": "cart"}}
    document = otlp_json(
        [answered(**shop), answered(**cart, service_name="cart"), answered(**shop)]
    )
    assert [len(one["scopeSpans"][0]["spans"]) for one in document["resourceSpans"]] == [2, 1]


def test_what_otlp_cannot_say_is_told_in_attributes() -> None:
    span = answered(
        attributes="not an object",
        events=[{"name": "e", "severity": "high", "attributes": {"a": 1}}, "text"],
        links=[{"traceId": "no hex", "spanId": "ab" * 8, "attributes": {}}],
    )
    request = decoded(otlp_json([span]))
    (resource,) = request.resource_spans
    assert resource.resource.attributes[0].value.string_value == "shop"
    (found,) = resource.scope_spans[0].spans
    assert found.attributes[0].value.string_value == "not an object"
    assert {one.key for one in found.events[0].attributes} == {"a", "severity"}
    assert found.events[1].name == "text"
    assert found.links[0].attributes[0].value.string_value == "no hex"
    assert found.start_time_unix_nano == T0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, {"boolValue": True}),
        (2**63, {"stringValue": str(2**63)}),
        (1.0, {"doubleValue": 1.0}),
        (None, {}),
        ([1, {"a": None}], None),
    ],
)
def test_a_value_keeps_its_type(value: Any, expected: dict[str, Any] | None) -> None:
    nested = {
        "arrayValue": {
            "values": [{"intValue": "1"}, {"kvlistValue": {"values": [{"key": "a", "value": {}}]}}]
        }
    }
    assert any_value(value) == (nested if expected is None else expected)
