"""What Junjo's clients were promised of a span: 22 fields, their defaults and its patches."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from indexer.clients.junjo.spans import LEAVING, junjo_span, state_patches
from indexer.query.span import Span
from tests.support.answered_spans import answered

T0 = 1_795_000_000_123_456_789

OLD_WORKFLOW = {
    "junjo.workflow_id": "w",
    "node.id": "n",
    "junjo.id": "flow",
    "junjo.parent_id": "above",
    "junjo.span_type": "workflow",
    "junjo.workflow.state.start": '{"a":1}',
    "junjo.workflow.state.end": '{"a":2}',
    "junjo.workflow.graph_structure": '{"v":1}',
    "junjo.workflow.store.id": "store",
}
NEW_WORKFLOW = {
    "junjo.executable_runtime_id": "run",
    "junjo.parent_executable_runtime_id": "caller",
    "junjo.executable_definition_id": "definition",
    "junjo.span_type": "subflow",
    "junjo.workflow.execution_graph_snapshot": '{"v":2}',
}


FLOW = {"name": "Flow", "start_time_unix_nano": T0, "status_code": 2, "span_kind": 1}
UNREAD = answered(**FLOW)


def span(**values: Any) -> Span:
    return answered(**{**FLOW, **values})


def event(name: str = "set_state", at: Any = str(T0), **attributes: Any) -> dict[str, Any]:
    return {"name": name, "timeUnixNano": at, "attributes": attributes}


def test_a_span_has_the_fields_in_their_order() -> None:
    """All 22, of a span whose attributes are those of an old workflow."""
    rest = {"openinference.span.kind": "CHAIN", "n": None}
    events = [event("note", "7"), event("note", "soon")]
    links = [{"traceId": "ef" * 16}]
    found = junjo_span(
        span(
            attributes={**OLD_WORKFLOW, **rest},
            events=events,
            links=links,
            flags=257,
            trace_state="a=b",
            status_message="it broke",
            parent_span_id="ee" * 8,
        )
    )
    assert list(found.items()) == [
        ("trace_id", "ab" * 16),
        ("span_id", "cd" * 8),
        ("parent_span_id", "ee" * 8),
        ("service_name", "shop"),
        ("name", "Flow"),
        ("kind", "INTERNAL"),
        ("start_time", "2026-11-18T11:06:40.123456Z"),
        ("end_time", "2026-11-18T11:06:40.123457Z"),
        ("status_code", "2"),
        ("status_message", "it broke"),
        ("attributes_json", rest),
        ("events_json", [event("note", 7), event("note", "soon")]),
        ("links_json", links),
        ("trace_flags", 257),
        ("trace_state", "a=b"),
        ("junjo_id", "flow"),
        ("junjo_parent_id", "above"),
        ("junjo_span_type", "workflow"),
        ("junjo_wf_state_start", '{"a":1}'),
        ("junjo_wf_state_end", '{"a":2}'),
        ("junjo_wf_graph_structure", '{"v":1}'),
        ("junjo_wf_store_id", "store"),
    ]


def test_a_payload_that_could_not_be_read_has_the_empty_values() -> None:
    """A client that walks over attributes and events finds none, instead of breaking."""
    found = junjo_span(UNREAD)
    assert len(found) == 22
    assert list(found.values())[9:] == [
        *("", {}, [], [], 0, None, "", "", ""),
        *("{}", "{}", "{}", ""),
    ]
    assert state_patches(UNREAD) == []


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, "tru"])
def test_a_payload_that_is_no_json_is_shown_as_its_text(text: str) -> None:
    """Neither raised nor lost."""
    found = junjo_span(span(attributes=text, events=text, links=text))
    assert (found["attributes_json"], found["events_json"], found["links_json"]) == (text,) * 3
    assert found["junjo_id"] == ""
    assert state_patches(span(attributes=text, events=text)) == []


def test_a_payload_may_still_be_its_json_text() -> None:
    """As a span has it that nobody took apart yet."""
    found = junjo_span(span(attributes='{"junjo.id":"x","k":[1]}', events='[{"name":"e"}]'))
    assert found["attributes_json"] == {"k": [1]}
    assert found["junjo_id"] == "x"
    assert found["events_json"] == [{"name": "e", "attributes": {}}]


def test_newer_names_fill_the_fields_and_stay_among_the_attributes() -> None:
    """A subflow of the present SDK."""
    found = junjo_span(span(attributes=NEW_WORKFLOW))
    assert found["junjo_id"] == "run"
    assert found["junjo_parent_id"] == "caller"
    assert found["junjo_span_type"] == "subflow"
    assert found["junjo_wf_graph_structure"] == '{"v":2}'
    assert found["junjo_wf_state_start"] == "{}"
    assert NEW_WORKFLOW.items() - found["attributes_json"].items() == {
        ("junjo.span_type", "subflow")
    }


def test_what_is_no_text_is_not_lifted_and_stays() -> None:
    """A number where an id should be is the sender's, and is shown."""
    odd = {**dict.fromkeys(LEAVING, 7), "junjo.span_type": "workflow"}
    found = junjo_span(span(attributes=odd))
    assert found["junjo_id"] == ""
    assert found["junjo_wf_state_end"] == "{}"
    assert set(found["attributes_json"]) == set(LEAVING) - {"junjo.span_type"}


def test_only_workflows_have_a_state_a_graph_and_a_store() -> None:
    """A node that has their attributes shows the defaults, as in Junjo's table."""
    found = junjo_span(span(attributes=OLD_WORKFLOW | {"junjo.span_type": "node"}))
    assert list(found.values())[15:] == ["flow", "above", "node", "{}", "{}", "{}", ""]
    assert found["attributes_json"] == {}


def test_a_state_that_is_no_json_is_a_json_string_of_it() -> None:
    """The column is JSON whatever was sent."""
    attributes = OLD_WORKFLOW | {"junjo.workflow.state.end": 'cut off {"a'}
    assert junjo_span(span(attributes=attributes))["junjo_wf_state_end"] == '"cut off {\\"a"'


@pytest.mark.parametrize(
    ("number", "kind"),
    list(enumerate(["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"])),
)
def test_kinds_have_the_numbers_of_otlp(number: int, kind: str) -> None:
    """Junjo's own map took 1 for CLIENT."""
    assert junjo_span(span(span_kind=number))["kind"] == kind
    assert junjo_span(span(span_kind=6 + number))["kind"] == "UNSPECIFIED"


def test_flags_that_no_integer_holds_are_null() -> None:
    """The column is an INTEGER, and OTLP has no such flags."""
    flags = [junjo_span(span(flags=flags))["trace_flags"] for flags in (2**31 - 1, 2**31)]
    assert flags == [2**31 - 1, None]


def test_patches_are_the_events_with_that_name_in_order_of_time() -> None:
    """Then of their place among all events; one without a time comes last."""
    events = [
        event(at="soon", **{"junjo.store.id": "no time"}),
        event("other"),
        event(**{"junjo.state_json_patch": "[1]", "junjo.store.id": "s"}),
        "no event",
        event("set_state "),
        event(at=str(T0 - 1_000), **{"junjo.state_json_patch": "cut [", "junjo.store.id": 5}),
        event(),
    ]
    found = state_patches(span(attributes=OLD_WORKFLOW, events=events))
    shown = [tuple(row.values())[6:] for row in found]
    at = "2026-11-18T11:06:40.12345{}Z"
    assert shown == [
        (at.format(5), '"cut ["', ""),
        (at.format(6), "[1]", "s"),
        (at.format(6), "{}", ""),
        (None, "{}", "no time"),
    ]
    assert list(found[0]) == [
        *("patch_id", "service_name", "trace_id", "span_id", "workflow_id", "node_id"),
        *("event_time", "patch_json", "patch_store_id"),
    ]
    names = [f"{'ab' * 16}/{'cd' * 8}/{position}" for position in (5, 2, 6, 0)]
    oids = uuid.NAMESPACE_OID
    assert [row["patch_id"] for row in found] == [str(uuid.uuid5(oids, name)) for name in names]
    (server,) = state_patches(span(events=[event()], span_kind=2))
    assert server["patch_id"] == str(uuid.uuid5(oids, f"{'ab' * 16}/{'cd' * 8}/0/2"))


@pytest.mark.parametrize(
    ("attributes", "workflow_id", "node_id"),
    [
        (OLD_WORKFLOW, "flow", ""),
        (OLD_WORKFLOW | {"junjo.span_type": "subflow"}, "", ""),
        ({"junjo.id": "x", "junjo.span_type": "node"}, "", "x"),
        ({"junjo.executable_runtime_id": "x", "junjo.span_type": "node"}, "", "x"),
        ({"junjo.executable_runtime_id": "x", "junjo.span_type": "workflow"}, "x", ""),
        ({"junjo.executable_runtime_id": "x", "junjo.span_type": "agent"}, "", ""),
        ({}, "", ""),
    ],
)
def test_a_patch_names_the_workflow_or_the_node_it_is_of(
    attributes: dict[str, Any], workflow_id: str, node_id: str
) -> None:
    """The one whose span it is, as in Junjo's table; no other is."""
    (patch,) = state_patches(span(attributes=attributes, events=[event()]))
    assert (patch["workflow_id"], patch["node_id"]) == (workflow_id, node_id)
