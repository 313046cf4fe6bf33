"""Spans as arrays: whatever is sorted, joined or dropped, every span stays whole.

One misplaced index would give a span the name of its neighbour, so each operation is compared
with the same operation on plain values.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.spans.columns import SpanColumns, concatenate, sorted_by_trace, without_doubles
from indexer.spans.texts import Texts
from tests.spans.plain_spans import (
    WORD,
    PlainSpan,
    columns_of,
    numbered,
    plain,
    span_lists,
    texts_of,
    thorough,
)

SLOTS = 4


def in_order_of_trace(spans):
    return sorted(spans, key=lambda span: (span.slot, span.trace, span.place))


def first_of_each(spans):
    """(the first copy of each identity in the given order, dropped copies per slot)."""
    first: dict[tuple[int, int, int, int], tuple[int, int]] = {}
    for span in spans:
        first[span.identity] = min(first.get(span.identity, span.place), span.place)
    kept = [span for span in spans if span.place == first[span.identity]]
    dropped = Counter(span.slot for span in spans if span.place != first[span.identity])
    return kept, [dropped[slot] for slot in range(SLOTS)]


@thorough
@given(span_lists())
def test_spans_are_sorted_by_file_trace_and_place(spans):
    assert plain(sorted_by_trace(columns_of(spans))) == in_order_of_trace(spans)


@pytest.mark.parametrize(
    "traces",
    [
        pytest.param([3, 1, 2, 1, 3], id="differ in the last digit only"),
        pytest.param([2 << 64, 1 << 64, (1 << 64) + 1], id="differ below the first 48 bits"),
        pytest.param([(7 << 80) + 5, 7 << 80, (7 << 80) + 5], id="share the first 48 bits"),
        pytest.param([1 << 127, (1 << 127) - 1, 1], id="differ in the first bit"),
        pytest.param([5, 5, 5], id="are one and the same"),
    ],
)
def test_hand_made_trace_ids_are_sorted_exactly(traces):
    spans = numbered([PlainSpan(trace=trace, span=at + 1) for at, trace in enumerate(traces)])
    assert plain(sorted_by_trace(columns_of(spans))) == in_order_of_trace(spans)


@thorough
@given(span_lists())
def test_the_first_copy_of_a_repeated_span_stays(spans):
    kept, dropped = without_doubles(columns_of(in_order_of_trace(spans)), SLOTS)
    expected, expected_dropped = first_of_each(in_order_of_trace(spans))
    assert (plain(kept), dropped.tolist()) == (expected, expected_dropped)


def test_the_same_span_in_two_files_is_no_double_here():
    spans = [PlainSpan(slot=0), PlainSpan(slot=1)]
    kept, dropped = without_doubles(columns_of(spans), 2)
    assert (plain(kept), dropped.tolist()) == (spans, [0, 0])


def test_the_same_span_id_in_two_traces_is_two_spans():
    spans = numbered([PlainSpan(trace=1, span=9), PlainSpan(trace=1 << 64, span=9)])
    kept, _ = without_doubles(columns_of(spans), 1)
    assert plain(kept) == spans


def test_a_client_and_a_server_under_one_id_are_two_spans():
    spans = numbered([PlainSpan(kind=kind) for kind in (3, 2, 3)])
    kept, dropped = without_doubles(columns_of(spans), 1)
    assert (plain(kept), dropped.tolist()) == (spans[:2], [1])


def test_two_traces_whose_keys_collide_keep_their_spans():
    """A key stands for an identity only until it is looked at; ids can be chosen to collide."""
    one, other = PlainSpan(trace=1 << 64), PlainSpan(trace=2 << 64, row=1)
    keys = [int(columns_of([span]).trace_key[0]) for span in (one, other)]
    other = replace(other, trace=other.trace + (keys[0] ^ keys[1]))
    columns = columns_of([one, other])
    assert columns.keys.hashes[0] == columns.keys.hashes[1]
    kept, dropped = without_doubles(columns, 1)
    assert (plain(kept), dropped.tolist()) == ([one, other], [0])


def test_a_span_sent_three_times_is_dropped_twice():
    spans = numbered([PlainSpan(name=name) for name in ("first", "second", "third")])
    kept, dropped = without_doubles(columns_of(spans), 1)
    assert (plain(kept), dropped.tolist()) == (spans[:1], [2])


@thorough
@given(st.lists(span_lists(max_size=12), min_size=1, max_size=5))
def test_batches_are_joined_with_their_slots_one_after_the_other(batches):
    joined = concatenate([columns_of(batch) for batch in batches], [SLOTS] * len(batches))
    expected = [
        replace(span, slot=span.slot + SLOTS * at)
        for at, batch in enumerate(batches)
        for span in batch
    ]
    assert plain(joined) == expected


def test_joined_texts_hold_each_value_once():
    parts = [columns_of([PlainSpan(service=name)]) for name in ("cart", "shop", "cart")]
    assert concatenate(parts, [1, 1, 1]).service.values == ("cart", "shop")


@thorough
@given(span_lists(), st.permutations([11, 22, 33, 44]))
def test_spans_come_back_from_the_rows_of_the_catalog(spans, file_ids):
    table = columns_of(spans).to_arrow(np.array(file_ids, np.int32))
    again = SpanColumns.from_arrow(table, {file_id: slot for slot, file_id in enumerate(file_ids)})
    assert plain(again) == spans


def test_a_trace_id_is_written_once_for_the_rows_that_follow_one_another():
    spans = [PlainSpan(trace=trace, row=row) for row, trace in enumerate([7, 7, 9, 9, 9, 7])]
    table = columns_of(spans).to_arrow(np.array([1], np.int32))
    column = table["trace_id"].combine_chunks()
    assert len(column.dictionary) == 3
    assert column.to_pylist() == [f"{span.trace:032x}" for span in spans]


def test_a_row_of_the_catalog_is_readable():
    span = PlainSpan(
        slot=1,
        row=7,
        position=1,
        trace=0xABC << 64 | 0xDEF,
        span=0x1F,
        start=5,
        duration=-2,
        status=2,
        kind=3,
    )
    (row,) = columns_of([span]).to_arrow(np.array([10, 20], np.int32)).to_pylist()
    assert row == {
        "file_id": 20,
        "file_row_number": 7,
        "position_in_row": 1,
        "trace_id": "0000000000000abc0000000000000def",
        "span_id_uint64": 0x1F,
        "parent_span_id_uint64": None,
        "service_name": "shop",
        "name": "GET /",
        "start_time_unix_nano": 5,
        "duration_ns": -2,
        "status_code": 2,
        "span_kind": 3,
    }


@thorough
@given(span_lists())
def test_one_value_a_span_says_the_same_as_the_arrays(spans):
    values = list(columns_of(spans).rows())
    assert [
        (int(value.trace_id, 16), int(value.span_id, 16), value.is_root, value.end_time_unix_nano)
        for value in values
    ] == [(span.trace, span.span, span.parent == 0, span.end) for span in spans]


@thorough
@given(span_lists())
def test_equal_identities_have_equal_keys(spans):
    keys = columns_of(spans).keys
    hashes: dict[tuple[int, int, int, int], int] = {}
    for at, span in enumerate(spans):
        identity = keys.exact(at)
        assert identity == (span.trace >> 64, span.trace & WORD, span.span, span.kind)
        assert hashes.setdefault(identity, int(keys.hashes[at])) == int(keys.hashes[at])


def test_no_spans_stay_no_spans():
    empty = SpanColumns.empty()
    assert len(sorted_by_trace(empty)) == 0
    kept, dropped = without_doubles(empty, 3)
    assert (len(kept), dropped.tolist()) == (0, [0, 0, 0])
    assert plain(concatenate([empty, columns_of([PlainSpan()]), empty], [2, 1, 1])) == [
        PlainSpan(slot=2)
    ]
    assert len(SpanColumns.from_arrow(empty.to_arrow(np.zeros(0, np.int32)), {})) == 0
    assert list(empty.rows()) == []


@thorough
@given(st.lists(st.text(max_size=5), max_size=30))
def test_texts_come_back_from_arrow_plain_and_dictionary_encoded(values):
    texts = texts_of(values)
    for column in (texts.to_arrow(), texts.to_arrow().dictionary_decode()):
        again = Texts.from_arrow(column)
        assert [again.values[code] for code in again.codes] == values
