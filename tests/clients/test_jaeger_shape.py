"""A trace has the shape that Jaeger's UI and Grafana read: typed tags, processes, microseconds."""

from __future__ import annotations

import json

from indexer.clients.shared.jaeger_shape import id_text, jaeger_json
from tests.support.answered_spans import answered
from tests.support.span_files import T0

TRACE = "ab" * 16
ROOT = answered(
    name="GET /",
    start_time_unix_nano=T0 + 1_999,
    duration_ns=2_500,
    status_code=2,
    status_message="no",
    attributes={
        "http.status_code": 500,
        "big": 2**53,
        "ok": True,
        "ratio": 0.5,
        "list": [1, "a"],
        "none": None,
    },
    events=[
        {"name": "exception", "timeUnixNano": str(T0 + 3_999), "attributes": {"a": 1}},
        {"name": "hidden", "timeUnixNano": "1", "attributes": {"event": "own"}},
    ],
    resource_attributes={"service.name": "shop", "host.name": "h"},
    scope_name="http",
    scope_version="1",
    trace_state="a=b",
    flags=1,
)
CHILD = answered(
    span_id="ef" * 8,
    parent_span_id=ROOT.span_id,
    span_kind=0,
    attributes={},
    links=[
        {"traceId": "0" * 16 + "1" * 16, "spanId": "2" * 16, "attributes": {}},
        {
            "traceId": TRACE,
            "spanId": "3" * 16,
            "attributes": {"opentracing.ref_type": "child_of"},
        },
    ],
    resource_attributes={"service.name": "shop", "host.name": "h"},
)
OTHER = answered(
    span_id="aa" * 8, service_name="cart", resource_attributes={"service.name": "cart"}
)


def tags(found: list[dict[str, object]]) -> dict[object, tuple[object, object]]:
    return {one["key"]: (one["type"], one["value"]) for one in found}


def test_a_span_has_typed_tags_and_whole_microseconds() -> None:
    (trace,) = jaeger_json(TRACE, [ROOT])["data"]
    (span,) = trace["spans"]
    assert (span["startTime"], span["duration"]) == (T0 // 1_000 + 1, 2)
    assert (span["flags"], span["warnings"]) == (1, None)
    assert [one["key"] for one in span["tags"][:2]] == ["otel.scope.name", "otel.scope.version"]
    assert tags(span["tags"]) == {
        "otel.scope.name": ("string", "http"),
        "otel.scope.version": ("string", "1"),
        "http.status_code": ("int64", 500),
        "big": ("int64", str(2**53)),
        "ok": ("bool", True),
        "ratio": ("float64", 0.5),
        "list": ("string", '[1,"a"]'),
        "none": ("string", "null"),
        "span.kind": ("string", "server"),
        "otel.status_code": ("string", "ERROR"),
        "error": ("bool", True),
        "otel.status_description": ("string", "no"),
        "w3c.tracestate": ("string", "a=b"),
    }


def test_an_event_is_a_log_whose_first_field_is_its_name_unless_an_attribute_is_called_so() -> None:
    (trace,) = jaeger_json(TRACE, [ROOT])["data"]
    first, second = trace["spans"][0]["logs"]
    assert first["timestamp"] == T0 // 1_000 + 3
    assert [one["value"] for one in first["fields"]] == ["exception", 1]
    assert [one["value"] for one in second["fields"]] == ["own"]


def test_the_parent_is_the_first_reference_and_links_follow() -> None:
    (trace,) = jaeger_json(TRACE, [ROOT, CHILD])["data"]
    references = trace["spans"][1]["references"]
    assert [(one["refType"], one["spanID"]) for one in references] == [
        ("CHILD_OF", ROOT.span_id),
        ("FOLLOWS_FROM", "2" * 16),
        ("CHILD_OF", "3" * 16),
    ]
    assert references[1]["traceID"] == "1" * 16
    assert "span.kind" not in tags(trace["spans"][1]["tags"])


def test_spans_of_one_resource_share_a_process() -> None:
    (trace,) = jaeger_json(TRACE, [ROOT, CHILD, OTHER])["data"]
    assert [one["processID"] for one in trace["spans"]] == ["p1", "p1", "p2"]
    assert trace["processes"] == {
        "p1": {
            "serviceName": "shop",
            "tags": [{"key": "host.name", "type": "string", "value": "h"}],
        },
        "p2": {"serviceName": "cart", "tags": []},
    }


def test_an_unknown_trace_is_an_envelope_without_data() -> None:
    expected = {"data": [], "total": 0, "limit": 0, "offset": 0, "errors": None}
    assert json.loads(json.dumps(jaeger_json(TRACE, []))) == expected


def test_an_id_of_64_bits_has_16_digits() -> None:
    assert (id_text("0" * 16 + "1" * 16), id_text(TRACE)) == ("1" * 16, TRACE)
