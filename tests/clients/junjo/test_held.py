"""Values that a front end would reject are made ones that it takes, and nothing is hidden."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.clients.junjo import held
from indexer.clients.junjo.held import UNHELD, Body, Held

AT = 1_795_000_000_000_000_000
WHOLE = {"name": "e", "timeUnixNano": "5", "attributes": {"a": 1}, "droppedAttributesCount": 2}


def test_a_body_names_the_fields_that_were_altered() -> None:
    body = Body.of({"a": 1, "b": Held(2), "c": Held(3, is_altered=True)})
    assert body == Body({"a": 1, "b": 2, "c": 3}, ("c",))


@pytest.mark.parametrize(
    ("unix_nano", "text", "altered"),
    [
        (0, "1970-01-01T00:00:00.000000Z", False),
        (AT + 999, "2026-11-18T11:06:40.000000Z", False),
        (-62_135_596_800 * 10**9, "0001-01-01T00:00:00.000000Z", False),
        (-62_135_596_801 * 10**9, "0001-01-01T00:00:00.000000Z", True),
        (253_402_300_800 * 10**9 - 1, "9999-12-31T23:59:59.999999Z", False),
        (2**80, "9999-12-31T23:59:59.999999Z", True),
    ],
)
def test_a_year_has_four_digits_and_no_sign(unix_nano: int, text: str, altered: bool) -> None:
    assert held.time(unix_nano) == Held(text, altered)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Held(0)),
        (7, Held(7)),
        (2**32, Held(2**32)),
        (2**53, Held(2**53 - 1, is_altered=True)),
        (-1, Held(0, is_altered=True)),
        (True, Held(0, is_altered=True)),
        ("7", Held(0, is_altered=True)),
    ],
)
def test_a_count_is_an_exact_number(value: Any, expected: Held) -> None:
    """What is absent is 0, which alters nothing."""
    assert held.count(value) == expected


@pytest.mark.parametrize("value", ["text", [1], None, 7])
def test_attributes_that_are_no_object_stand_in_one(value: Any) -> None:
    assert held.attributes(value) == Held({UNHELD: value}, is_altered=True)
    assert held.attributes({"k": value}) == Held({"k": value})


def test_links_are_objects() -> None:
    link = {"traceId": "ab" * 16}
    assert held.objects([link]) == Held([link])
    assert held.objects([link, 5]) == Held([link, {UNHELD: 5}], is_altered=True)
    assert held.objects("text") == Held([{UNHELD: "text"}], is_altered=True)


def test_an_event_has_its_time_as_a_number_where_it_has_one() -> None:
    """What has none is passed over by its front ends."""
    assert held.event_with_number(WHOLE) == Held({**WHOLE, "timeUnixNano": 5})
    assert held.event_with_number({"timeUnixNano": "soon"}) == Held({"timeUnixNano": "soon"})
    assert held.event_with_number(["x"]) == Held({UNHELD: ["x"]}, is_altered=True)


@pytest.mark.parametrize(
    ("event", "differing", "altered"),
    [
        (WHOLE, {}, False),
        ({**WHOLE, "timeUnixNano": 2**64 - 1}, {"timeUnixNano": str(2**64 - 1)}, False),
        ({**WHOLE, "timeUnixNano": "007"}, {"timeUnixNano": "7"}, False),
        ({**WHOLE, "droppedAttributesCount": None}, {"droppedAttributesCount": 0}, False),
        ({**WHOLE, "attributes": None}, {"attributes": {}}, False),
        ({**WHOLE, "name": ""}, {"name": held.UNNAMED}, True),
        (
            {**WHOLE, "name": 7},
            {"name": held.UNNAMED, "attributes": {"a": 1, UNHELD: {"name": 7}}},
            True,
        ),
        (
            {**WHOLE, "timeUnixNano": "soon"},
            {"timeUnixNano": str(AT), "attributes": {"a": 1, UNHELD: {"timeUnixNano": "soon"}}},
            True,
        ),
        ({**WHOLE, "x": 1}, {"attributes": {"a": 1, UNHELD: {"x": 1}}}, True),
        ({**WHOLE, "attributes": "text"}, {"attributes": {UNHELD: "text"}}, True),
    ],
)
def test_an_event_has_a_name_a_time_and_exactly_four_fields(
    event: dict[str, Any], differing: dict[str, Any], altered: bool
) -> None:
    assert held.event_with_text(event, AT) == Held({**WHOLE, **differing}, altered)


def test_what_is_no_event_becomes_one_that_has_it() -> None:
    made = held.event_with_text("text", -1)
    assert made == Held(
        {
            "name": held.UNNAMED,
            "timeUnixNano": "0",
            "attributes": {UNHELD: "text"},
            "droppedAttributesCount": 0,
        },
        is_altered=True,
    )
