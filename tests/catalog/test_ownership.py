"""The smallest path wins a doubled span, whatever arrives when, against a plain loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog.ownership import occurring_twice, settle_contest
from indexer.spans.columns import SpanColumns
from indexer.spans.texts import Texts

COPIES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 3), st.integers(2, 3)),
    max_size=14,
)


@given(staged=COPIES, registered=COPIES)
def test_one_copy_of_each_span_survives_and_it_is_the_one_with_the_smallest_path(
    staged: list[tuple[int, int, int, int]], registered: list[tuple[int, int, int, int]]
) -> None:
    """(file, trace, span, kind); each file holds a span once, the index holds it once."""
    new = sorted(set(staged))
    old = list({copy[1:]: copy for copy in registered}.values())
    paths = [f"{name}.parquet" for name in "hdbf"]
    old_paths = [f"{name}.parquet" for name in "geca"]
    contest = settle_contest(
        _columns(new), np.ones(len(new), np.bool_), _columns(old), paths, old_paths.__getitem__
    )
    copies = [(paths[f], span, "new", at) for at, (f, *span) in enumerate(new)]
    copies += [(old_paths[f], span, "old", at) for at, (f, *span) in enumerate(old)]
    winners = {}
    for path, span, side, at in sorted(copies):
        winners.setdefault(tuple(span), (path, side, at))
    kept = {(side, at) for _, side, at in winners.values()}
    assert set(contest.staged_lost.tolist()) == {
        at for _, _, side, at in copies if side == "new" and ("new", at) not in kept
    }
    assert set(contest.registered_lost.tolist()) == {
        at for _, _, side, at in copies if side == "old" and ("old", at) not in kept
    }


@given(st.lists(st.integers(0, 6)))
def test_keys_that_occur_twice_are_marked_everywhere(keys: list[int]) -> None:
    """Both the first and every later occurrence."""
    marked = occurring_twice(np.array(keys, np.uint64))
    assert list(marked) == [keys.count(key) > 1 for key in keys]


def _columns(copies: list[tuple[int, int, int, int]]) -> SpanColumns:
    count = len(copies)
    slots, traces, spans, kinds = zip(*copies, strict=True) if count else ((), (), (), ())
    zeros = np.zeros(count, np.int64)
    small = np.zeros(count, np.int8)
    texts = Texts(np.zeros(count, np.int32), ("x",))
    return SpanColumns(
        slot=np.asarray(slots, np.int32),
        row=np.arange(count, dtype=np.int32),
        position=np.zeros(count, np.int32),
        trace_hi=np.zeros(count, np.uint64),
        trace_lo=np.asarray(traces, np.uint64),
        span_id=np.asarray(spans, np.uint64),
        parent_span_id=np.zeros(count, np.uint64),
        start=zeros,
        duration=zeros,
        status=small,
        kind=np.asarray(kinds, np.int8),
        service=texts,
        name=texts,
    )
