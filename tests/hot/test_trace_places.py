"""Of any spans those of a trace are found, in order, and few others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.hot.trace_places import TracePlaces, place_key
from indexer.spans.identity import SpanKeys

words = st.integers(0, 3)
traces = st.lists(st.tuples(words, words), max_size=12)


def places_of(spans):
    high, low = (np.array([span[at] for span in spans], np.uint64) for at in (0, 1))
    count = len(spans)
    return TracePlaces.of(SpanKeys(high, low, high, np.zeros(count, np.int8)))


def assert_found(places, spans):
    for trace in {(one, other) for one in range(5) for other in range(5)}:
        key = place_key(b"".join(word.to_bytes(8) for word in trace))
        assert list(places.find(key)) == [at for at, one in enumerate(spans) if one == trace]


@given(traces, traces)
def test_each_trace_is_found_where_it_has_spans(some, others):
    """Also where others are put behind them, which leaves both as they are."""
    first, second = places_of(some), places_of(others)
    assert_found(first.joined(len(some), second), some + others)
    assert_found(first, some)
    assert_found(second, others)
