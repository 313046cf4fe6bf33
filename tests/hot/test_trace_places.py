"""Of any requests, those that have spans of a trace are found, and few others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.hot.trace_places import TracePlaces, place_key
from indexer.spans.identity import SpanKeys

words = st.integers(0, 3)
requests = st.lists(st.lists(st.tuples(words, words), max_size=6), max_size=6)


@given(requests)
def test_each_trace_is_found_where_it_has_spans(requests):
    spans = [span for request in requests for span in request]
    high, low = (np.array([span[at] for span in spans], np.uint64) for at in (0, 1))
    keys = SpanKeys(
        high, low, np.arange(len(spans), dtype=np.uint64), np.zeros(len(spans), np.int8)
    )
    ends = np.cumsum([len(request) for request in requests], dtype=np.int64)
    places = TracePlaces.of(keys, ends)
    for trace in {(one, other) for one in range(5) for other in range(5)}:
        key = place_key(b"".join(word.to_bytes(8) for word in trace))
        expected = [at for at, request in enumerate(requests) if trace in request]
        assert list(places.find(key)) == expected
