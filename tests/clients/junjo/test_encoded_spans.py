"""A span's text is the JSON of its body, whatever spans were encoded before it."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import Any

import pytest

from indexer.clients.junjo import encoded_spans
from indexer.clients.junjo.dialects import DIALECTS
from indexer.clients.junjo.encoded_spans import encoder_of
from indexer.clients.junjo.held import YEAR_1_UNIX_NANO, YEAR_10000_UNIX_NANO
from indexer.clients.junjo.spans import NAMES_READ
from indexer.clients.shared.json_text import as_json
from indexer.query.span import UNREADABLE, HotTable, Span
from indexer.query.span_cache import Encoded
from indexer.read.stored_objects import StoredObject
from indexer.spans.payload import Payload
from tests.support.examples import one_of
from tests.support.span_files import T0

SOURCE = HotTable(None)  # type: ignore[arg-type]  # what a span lies in is not encoded

TEXTS = ("", "a", "100 %s", 'q"\\', "é", "\ud800")
COUNTS = (None, 0, 1, 2**31, 2**60)
KEYS = (*sorted(NAMES_READ), *("http.route", "%", "a", "b") * 4)
VALUES = ("", "workflow", "subflow", "{}", "%s", 1, 1.5, True, None, [1], {"b": 2})
ODD = (None, {}, [], "", "no JSON", 0, [1], [{"name": "e", "timeUnixNano": "5"}])
TIMES = (0, T0, T0 + 1, YEAR_1_UNIX_NANO, YEAR_1_UNIX_NANO - 1, YEAR_10000_UNIX_NANO, -1)


def drawn_span(draw: random.Random) -> Span:
    """Usual in most of its values, so that some are usual in all of them."""

    def mostly(usual: Any, others: Sequence[Any]) -> Any:
        return usual if draw.random() < 0.8 else draw.choice(others)

    def object_of() -> Any:
        return {draw.choice(KEYS): draw.choice(VALUES) for _ in range(draw.randrange(3))}

    payload = Payload(
        status_message=mostly(None, TEXTS),
        attributes=mostly(object_of(), ODD),
        events=mostly([], ODD),
        links=mostly([], ODD),
        resource_attributes=mostly(object_of(), ODD),
        trace_state=mostly(None, TEXTS),
        flags=mostly(0, COUNTS),
        dropped_attributes_count=mostly(0, COUNTS),
        dropped_events_count=mostly(0, COUNTS),
        dropped_links_count=mostly(0, COUNTS),
        resource_dropped_attributes_count=mostly(0, COUNTS),
    )
    return Span(
        trace_id=f"{draw.getrandbits(128):032x}",
        span_id=f"{draw.getrandbits(64):016x}",
        parent_span_id=draw.choice([None, "ef" * 8]),
        service_name=mostly("shop", TEXTS),
        name=mostly("GET /", TEXTS),
        start_time_unix_nano=mostly(T0, TIMES),
        duration_ns=mostly(1_000, [0, -T0, -1]),
        status_code=mostly(0, range(-1, 4)),
        span_kind=mostly(2, range(-1, 7)),
        source=SOURCE,
        row=0,
        payload=mostly(payload, [None, UNREADABLE]),
    )


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.version)
@pytest.mark.parametrize("seed", one_of(*range(100)))
def test_it_is_that_of_the_body(dialect: Any, seed: int) -> None:
    """And no value of a span is changed, which other answers may share."""
    draw = random.Random(seed)
    spans = [drawn_span(draw) for _ in range(300)]
    encode = encoder_of(dialect)
    before = copy.deepcopy([span.payload for span in spans])
    for span in [*spans, *spans]:
        body = dialect.body(span)
        assert encode(span) == Encoded(as_json(body.fields), body.altered)
    assert [span.payload for span in spans] == before


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In number and in length; spans beyond are encoded as well."""
    monkeypatch.setattr(encoded_spans, "FRAMES_MAX", 2)
    dialect = DIALECTS[0]
    frames = encoded_spans.Frames(dialect)
    for name in ("a", "b", "a", "c", "a", "x" * 3_000, "x" * 3_000):
        payload = Payload(attributes={"name": name})
        span = Span("ab" * 16, "cd" * 8, None, "shop", name, T0, 5, 0, 1, SOURCE, 0, None, payload)
        assert frames.encode(span).content == as_json(dialect.body(span).fields)
        assert len(frames) <= 2


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.version)
def test_attributes_may_stay_the_text_that_says_the_same(dialect: Any) -> None:
    """With any of the names that a dialect reads among them, and with a payload that is odd."""
    draw = random.Random(5)
    encode = encoder_of(dialect)
    count = 0
    for span in (drawn_span(draw) for _ in range(2_000)):
        attributes = span.payload and span.payload.attributes
        if not isinstance(attributes, dict):
            continue
        stored = StoredObject(as_json(attributes).decode(), frozenset(attributes))
        same = span._replace(payload=span.payload._replace(attributes=stored))
        assert encode(same) == encode(span)
        count += 1
    assert count > 1_000
