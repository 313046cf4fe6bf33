"""Where spans share an id every span keeps its place in the tree, and walking it ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.spans.shared_ids import CLIENT, CONSUMER, PRODUCER, SERVER, Link, at_work, parents

INTERNAL = 1

LINKS = st.builds(
    Link, st.integers(1, 3), st.none() | st.integers(1, 4), st.integers(INTERNAL, CONSUMER)
)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)], ids=str)
def test_the_server_is_below_its_client_and_its_work_below_the_server(order: tuple[int, ...]):
    """In whatever order the spans come."""
    root, client = Link(1, None, SERVER), Link(2, 1, CLIENT)
    server, work = Link(2, 1, SERVER), Link(3, 2, INTERNAL)
    spans = [(root, client, server, work)[at] for at in order]
    found = dict(zip(spans, parents(spans), strict=True))
    assert found[root] is None
    assert spans[found[client]] == root
    assert spans[found[server]] == client
    assert spans[found[work]] == server


def test_a_consumer_is_below_its_producer():
    assert parents([Link(1, None, PRODUCER), Link(1, None, CONSUMER), Link(2, 1, INTERNAL)]) == [
        None,
        0,
        1,
    ]


def test_spans_of_an_id_that_call_nobody_stay_where_they_say():
    """An internal span and a server's under one id are siblings; the server has the children."""
    spans = [Link(1, None, SERVER), Link(2, 1, INTERNAL), Link(2, 1, SERVER), Link(3, 2, CLIENT)]
    assert parents(spans) == [None, 0, 0, 2]


def test_a_span_is_not_its_own_parent_and_an_absent_one_is_none():
    assert parents([Link(1, 1, INTERNAL), Link(2, 9, INTERNAL)]) == [None, None]


def test_a_client_that_names_the_shared_id_as_its_parent_is_no_child_of_its_server():
    assert parents([Link(1, 1, CLIENT), Link(1, 1, SERVER)]) == [None, 0]


@given(st.lists(LINKS, max_size=8))
def test_every_parent_is_another_span_that_has_the_id(spans: list[Link]):
    """The one that is named, or the caller under the same id."""
    for position, parent in enumerate(parents(spans)):
        span = spans[position]
        if parent is None:
            named = {one.span_id for one in spans} - {span.span_id}
            assert span.parent_span_id not in named or span.kind in (SERVER, CONSUMER)
        else:
            assert parent != position
            assert spans[parent].span_id in {span.span_id, span.parent_span_id}


@pytest.mark.parametrize(
    ("kinds", "position"),
    [([CLIENT, SERVER], 1), ([SERVER, CLIENT], 0), ([INTERNAL, CLIENT], 0), ([CONSUMER], 0)],
)
def test_an_id_stands_for_the_span_that_did_the_work(kinds: list[int], position: int):
    assert at_work(kinds) == position
