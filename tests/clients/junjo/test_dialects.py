"""Every dialect accepts what it gives: any span, by strict models that know nothing of the code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.clients.junjo import spans as junjo
from indexer.clients.junjo.dialects import DIALECTS, bare_dialect
from indexer.clients.junjo.held import UNHELD
from indexer.clients.shared.json_text import as_json
from indexer.errors import InvalidSettings
from indexer.read.normalise import canonical
from tests.clients.junjo.test_graphs import VERSION_1, VERSION_2
from tests.support.answered_spans import answered
from tests.support.examples import examples
from tests.support.junjo_front_ends import SPANS

RELEASES = [one.version for one in DIALECTS]
BODIES = {one.version: one.body for one in DIALECTS}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
GRAPHS = st.sampled_from([VERSION_1, VERSION_2]).map(json.dumps)
JUNJO = st.dictionaries(
    st.sampled_from([*junjo.LEAVING, *(name for one in junjo.LIFTED for name in one.names)]),
    VALUES | GRAPHS | st.sampled_from(["workflow", "subflow", "agent", "{}", "[1]", '{"a":1}']),
    max_size=5,
)
TYPED = st.builds(
    lambda rest, kind, graph: {**rest, "junjo.span_type": kind, junjo.GRAPH.names[1]: graph},
    JUNJO,
    st.sampled_from(["workflow", "subflow", "agent"]),
    GRAPHS | VALUES,
)
EVENT = st.dictionaries(
    st.sampled_from(["name", "timeUnixNano", "attributes", "droppedAttributesCount", "other"]),
    VALUES | st.sampled_from(["set_state", "1795000000000000000", 5]),
)
MALFORMED = st.sampled_from(["", "{", "null", "[]", '"x"', "7", "text", "[[]]"])


def payload(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """As a file has it, read as an answer reads it."""
    return (values.map(json.dumps) | MALFORMED | st.none()).map(lambda one: canonical(name, one))


ANY_COUNT = st.none() | st.integers(0, 2**64)
ANY_TIME = st.integers(-(2**63), 2**63 - 1)
STORED = st.fixed_dictionaries(
    {
        "name": st.text(max_size=4),
        "parent_span_id": st.none() | st.just("c" * 16),
        "span_kind": st.integers(-128, 127),
        "status_code": st.integers(-128, 127),
        "start_time_unix_nano": ANY_TIME,
        "duration_ns": ANY_TIME,
        "status_message": st.none() | st.text(max_size=4),
        "trace_state": st.none() | st.text(max_size=4),
        "flags": ANY_COUNT,
        "attributes": payload("attributes", JUNJO | TYPED | st.dictionaries(st.text(), VALUES)),
        "events": payload("events", st.lists(EVENT | VALUES, max_size=3)),
        "links": payload("links", st.lists(VALUES, max_size=2)),
        "resource_attributes": payload("resource_attributes", VALUES),
        "dropped_attributes_count": ANY_COUNT,
        "dropped_events_count": ANY_COUNT,
        "dropped_links_count": ANY_COUNT,
        "resource_dropped_attributes_count": ANY_COUNT,
    }
)


@examples(50)
@given(stored=STORED)
def test_every_dialect_accepts_any_span(stored: dict[str, Any]) -> None:
    """Whatever the fields hold; as the JSON that is sent."""
    span = answered(**stored)
    for release, model in SPANS.items():
        body = BODIES[release](span)
        model.model_validate(json.loads(as_json(body.fields)))
        assert set(body.altered) <= set(body.fields)


@pytest.mark.parametrize("release", RELEASES)
def test_a_span_without_a_payload_is_accepted_and_not_altered(release: str) -> None:
    body = BODIES[release](answered())
    SPANS[release].model_validate(body.fields)
    assert body.altered == ()


MALFORMED_SPAN = {
    "attributes": "text",
    "events": [{"name": "", "attributes": {}, "timeUnixNano": "5"}, 7],
    "links": "none",
    "flags": 2**60,
    "status_code": 9,
    "dropped_events_count": 2**60,
    "resource_attributes": [1],
}
ALTERED = {"attributes_json", "events_json", "links_json", "trace_flags"}


@pytest.mark.parametrize(
    ("release", "altered"),
    [
        *((release, ALTERED) for release in RELEASES[:3]),
        (
            "0.82",
            {*ALTERED, "status_code", "dropped_events_count", "resource_attributes_json"},
        ),
    ],
)
def test_what_a_dialect_cannot_hold_is_named_and_kept(release: str, altered: set[str]) -> None:
    body = BODIES[release](answered(**MALFORMED_SPAN))
    SPANS[release].model_validate(body.fields)
    assert set(body.altered) == altered
    assert body.fields["attributes_json"] == {UNHELD: "text"}


def flow(**attributes: Any) -> dict[str, Any]:
    given = {name.replace("__", "."): value for name, value in attributes.items()}
    return {"junjo.span_type": "workflow", **given}


@pytest.mark.parametrize("release", ["0.61", "0.70"])
def test_states_and_graphs_are_objects(release: str) -> None:
    """A graph of version 2 is one of version 1, whose nodes have the spans' runtime IDs."""
    attributes = flow(
        junjo__executable_runtime_id="run",
        junjo__workflow__state__start='{"a":1}',
        junjo__workflow__state__end="[1]",
        junjo__workflow__execution_graph_snapshot=json.dumps(VERSION_2),
    )
    body = BODIES[release](answered(attributes=attributes))
    fields = body.fields
    assert fields["junjo_id"] == "run"
    assert (fields["junjo_wf_state_start"], fields["junjo_wf_state_end"]) == ({"a": 1}, {})
    assert fields["junjo_wf_graph_structure"] == VERSION_1
    assert body.altered == ("junjo_wf_state_end",)


@pytest.mark.parametrize("release", ["0.61", "0.70"])
def test_a_type_that_an_older_release_does_not_know_stays_an_attribute(release: str) -> None:
    fields = BODIES[release](answered(attributes={"junjo.span_type": "agent"})).fields
    assert (fields["junjo_span_type"], fields["attributes_json"]) == (
        "",
        {"junjo.span_type": "agent"},
    )


def test_the_release_of_15_fields_finds_what_it_looks_for_among_all_attributes() -> None:
    """Names of newer SDKs under the older ones as well, and its own name of the store."""
    attributes = flow(
        junjo__executable_runtime_id="run",
        junjo__parent_executable_runtime_id="above",
        junjo__workflow__store__id="store",
        junjo__workflow__execution_graph_snapshot=json.dumps(VERSION_2),
    )
    shown = BODIES["0.80"](answered(attributes=attributes)).fields["attributes_json"]
    assert attributes.items() <= shown.items()
    assert {name: shown[name] for name in shown.keys() - attributes.keys()} == {
        "junjo.id": "run",
        "junjo.parent_id": "above",
        "junjo.workflow.store_id": "store",
        "junjo.workflow.graph_structure": VERSION_1,
    }


def test_the_strict_release_has_attributes_as_they_were_sent_and_times_as_text() -> None:
    attributes = flow(junjo__id="w", k=[1])
    events = [{"name": "set_state", "timeUnixNano": 5, "attributes": {}}]
    span = answered(attributes=attributes, events=events, resource_attributes={"r": 1})
    fields = BODIES["0.82"](span).fields
    assert len(fields) == 20
    assert fields["attributes_json"] == attributes
    assert fields["resource_attributes_json"] == {"r": 1}
    assert fields["events_json"] == [
        {**events[0], "timeUnixNano": "5", "droppedAttributesCount": 0}
    ]


def test_the_newest_needs_no_prefix_unless_another_is_chosen() -> None:
    assert bare_dialect().version == RELEASES[-1]
    assert bare_dialect("0.70").version == "0.70"
    for version in ("0.61", "9.9"):
        with pytest.raises(InvalidSettings, match="INDEXER_JUNJO_DIALECT") as refused:
            bare_dialect(version)
        assert "0.70, 0.80, 0.82" in refused.value.advice


@pytest.mark.parametrize("release", ["0.61", "0.80"])
def test_a_subflow_of_contract_2_has_the_id_of_its_node_in_the_graph_above(release: str) -> None:
    """Which is that of its definition; a node's is that of the run, and an older SDK's its own."""
    ids = {"junjo.executable_definition_id": "drawn", "junjo.executable_runtime_id": "run"}
    found = []
    for kind in ("subflow", "node"):
        fields = BODIES[release](answered(attributes=ids | {"junjo.span_type": kind})).fields
        found.append(fields.get("junjo_id") or fields["attributes_json"]["junjo.id"])
    assert found == ["drawn", "run"]
