"""A span beyond the limits is the same part of a span, whoever wrote its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.dialect_document import dialects
from indexer.read.json_text import NESTED_MAX
from indexer.read.normalise import canonical
from indexer.read.payload import read_payload
from indexer.read.span_payload import span_payload
from indexer.spans.limits import SPAN_LIMITS, SpanLimits
from tests.read.read_back import put
from tests.support.dialect_files import LAYOUTS, Event, Link, OtelSpan
from tests.support.examples import examples
from tests.support.span_files import T0, parquet_bytes

NAMED = {dialect.name: dialect for dialect in dialects()}
SMALL = SpanLimits(attributes=5, events=4, links=3, values=9)


def heavy(events: int, links: int, attributes: int, inside: int) -> OtelSpan:
    texts = {f"k{number:02}": "v" for number in range(attributes)}
    own = {f"a{number}": 'v,"{[' for number in range(inside)}
    return OtelSpan(
        trace_id="0" * 31 + "1",
        span_id="0" * 15 + "1",
        parent_span_id=None,
        service="shop",
        name="heavy",
        start=T0,
        duration=1_000_000,
        kind=1,
        status=0,
        message=None,
        attributes=texts,
        resource=texts,
        events=tuple(Event(name=f"e{n}", at=T0, attributes=own) for n in range(events)),
        links=tuple(Link(trace_id="ab" * 16, span_id=f"{n + 1:016x}") for n in range(links)),
    )


def payload(folder: Path, layout: str, spans: list[OtelSpan], limits: SpanLimits) -> list[Any]:
    name, _, make = LAYOUTS[layout]
    rows = list(range(len(spans)))
    stored = read_payload(
        *put(folder, parquet_bytes(make(spans))), NAMED[name], rows, limits=limits
    )
    return [span_payload(one, limits) for one in stored]


def has_links(layout: str) -> bool:
    return "links" in {one.name for one in NAMED[LAYOUTS[layout][0]].payload}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_first_of_each_are_answered_and_the_others_counted(tmp_path: Path, layout: str) -> None:
    """Beside a span within the limits, which is answered whole."""
    spans = [heavy(10, 11, 12, 1), heavy(4, 3, 5, 1)]
    part, whole = payload(tmp_path, layout, spans, SMALL)
    links = {"links": 8} if has_links(layout) else {}
    assert part["omitted"] == {"attributes": 7, "events": 6, **links, "resource_attributes": 7}
    assert [event["name"] for event in part["events"]] == ["e0", "e1", "e2", "e3"]
    assert list(part["attributes"]) == ["k00", "k01", "k02", "k03", "k04"]
    assert "omitted" not in whole
    for name in ("events", "links", "attributes", "resource_attributes"):
        assert part[name] == whole[name]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("inside", [3, 100])
def test_attributes_of_events_are_values_of_the_span(
    tmp_path: Path, layout: str, inside: int
) -> None:
    """No more than nine of all, and than five of one; the first come first, and the events stay."""
    (part,) = payload(tmp_path, layout, [heavy(4, 1, 2, inside)], SMALL)
    kept = [len(event["attributes"]) for event in part["events"]]
    assert kept == [3, 3, 3, 0] if inside == 3 else kept[0] == 5
    assert sum(kept) <= 9
    assert [event["name"] for event in part["events"]] == ["e0", "e1", "e2", "e3"]
    assert part["omitted"] == {"values": 4 * inside - sum(kept)}
    values = {value for event in part["events"] for value in event["attributes"].values()}
    assert values == {'v,"{['}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_within_the_real_limits_nothing_is_left_out(tmp_path: Path, layout: str) -> None:
    (part,) = payload(tmp_path, layout, [heavy(50, 50, 50, 3)], SPAN_LIMITS)
    assert "omitted" not in part
    assert len(part["events"]) == 50


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=2), one, max_size=4),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=2), VALUES, max_size=6)
EVENTS = st.lists(
    st.fixed_dictionaries({"name": st.text(max_size=3), "attributes": OBJECTS}), max_size=6
)


def elements(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value
    return len(value) + sum(map(elements, members)) if isinstance(value, dict | list) else 0


def values_of(span: dict[str, Any]) -> int:
    events = sum(elements(event["attributes"]) for event in span["events"])
    return elements(span["attributes"]) - len(span["attributes"]) + events


@examples(20)
@given(OBJECTS, EVENTS, st.integers(1, 6), st.integers(1, 6), st.integers(1, 20))
def test_what_is_answered_and_what_is_counted_are_all_there_is(
    attributes: Any, events: Any, attributes_max: int, events_max: int, values_max: int
) -> None:
    stored = {"attributes": json.dumps(attributes), "events": json.dumps(events)}
    limits = SpanLimits(attributes=attributes_max, events=events_max, values=values_max)
    part = span_payload(stored, limits)
    omitted = part.get("omitted", {})
    whole = {name: canonical(name, text) for name, text in stored.items()}
    first = {
        "attributes": dict(list(whole["attributes"].items())[:attributes_max]),
        "events": whole["events"][:events_max],
    }
    assert omitted.get("attributes", 0) == len(whole["attributes"]) - len(first["attributes"])
    assert omitted.get("events", 0) == len(whole["events"]) - len(first["events"])
    assert omitted.get("values", 0) == values_of(first) - values_of(part)
    assert values_of(part) <= values_max
    assert all(len(event["attributes"]) <= attributes_max for event in part["events"])
    assert list(part["attributes"]) == list(first["attributes"])
    if not omitted:
        assert part == whole


def test_attributes_of_an_event_that_are_text_in_text_are_cut_too() -> None:
    inner = json.dumps({key: [1, 2] for key in map(str, range(500))})
    stored = {"events": json.dumps([{"name": "e", "attributes": inner}])}
    part = span_payload(stored, SMALL)
    kept = part["events"][0]["attributes"]
    assert list(kept) == ["0", "1", "2", "3", "4"]
    assert part["omitted"] == {"values": 1_500 - elements(kept)}


@pytest.mark.parametrize("depth", [NESTED_MAX + 10, 480, 100_000])
@pytest.mark.parametrize("name", ["attributes", "events", "links"])
def test_deep_values_are_text_or_cut_and_can_be_encoded(name: str, depth: int) -> None:
    """JSON that was made to break its readers, within the limits and beyond them."""
    deep = "[" * depth + "]" * depth
    for text in (deep, f'{{"a":{deep}}}', f"[{{}},{deep},{{}},{{}},{{}},{{}}]"):
        for limits in (SPAN_LIMITS, SMALL):
            part = span_payload({name: text}, limits)
            json.dumps(part, indent=2)
            assert part[name] == text or part["omitted"]


def test_deep_values_of_nested_columns_can_be_encoded(tmp_path: Path) -> None:
    kind: pa.DataType = pa.int64()
    value: Any = 1
    for _ in range(40):
        kind, value = pa.list_(kind), [value]
    span = heavy(1, 0, 1, 0)
    table = LAYOUTS["clickhouse, maps"][2]([span])
    at = table.column_names.index("SpanAttributes")
    table = table.set_column(
        at, "SpanAttributes", pa.array([{"a": value}], pa.struct([("a", kind)]))
    )
    for limits in (SPAN_LIMITS, SMALL):
        stored = read_payload(
            *put(tmp_path, parquet_bytes(table)), NAMED["clickhouse"], [0], limits=limits
        )
        part = span_payload(stored[0], limits)
        json.dumps(part, indent=2)
        assert part.get("omitted", {}) == ({} if limits is SPAN_LIMITS else {"values": 31})
