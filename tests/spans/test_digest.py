"""The content digest: two catalogs of the same spans share it, and any difference breaks it.

The audit's proof rests on these properties, and a catalog on disk rests on the frozen values: a
digest that changes without a migration makes every old catalog look damaged.
"""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from indexer.spans.columns import SpanColumns
from indexer.spans.digest import combine, file_digests, to_hex
from tests.spans.plain_spans import WORD, PlainSpan, columns_of, span_lists, thorough

SLOTS = 4

KNOWN = [
    PlainSpan(
        row=0,
        trace=0x0AF7651916CD43DD8448EB211C80319C,
        span=0xB7AD6B7169203331,
        start=1_795_000_000_000_000_000,
        duration=1_500_000,
        kind=2,
        service="shop",
        name="GET /cart",
    ),
    PlainSpan(
        row=1,
        trace=0x0AF7651916CD43DD8448EB211C80319C,
        span=0x00F067AA0BA902B7,
        parent=0xB7AD6B7169203331,
        start=1_795_000_000_000_400_000,
        duration=-1,
        status=2,
        kind=3,
        service="straße",
        name="",
    ),
]


def digest(spans):
    """Of the spans as one file."""
    columns = columns_of([replace(span, slot=0) for span in spans])
    return to_hex(file_digests(columns, 1)[0])


def added(*digests):
    """Lane by lane modulo 2^64, in Python's integers."""
    lanes = [[int(text[at : at + 16], 16) for at in (0, 16)] for text in digests]
    return "".join(f"{sum(lane[half] for lane in lanes) & WORD:016x}" for half in (0, 1))


def test_the_digest_of_known_spans_never_changes():
    """Should this fail, then stored digests no longer hold: add a migration, then a new value."""
    assert digest(KNOWN) == "7d16d0247e7a63d2028210f2814c2080"


def test_the_digest_of_a_known_catalog_never_changes():
    catalog = {"a.parquet": "00" * 16, "b/c.parquet": "ff" * 16}
    assert combine(catalog) == "a636d677fff2c6f82690d24d658ee67b"


@thorough
@given(span_lists(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(spans, random):
    shuffled = list(spans)
    random.shuffle(shuffled)
    assert digest(shuffled) == digest(spans)


@thorough
@given(span_lists(max_size=15), span_lists(max_size=15))
def test_the_digest_of_a_union_is_the_sum(first, second):
    assert digest(first + second) == added(digest(first), digest(second))


@thorough
@given(span_lists())
def test_each_file_of_a_batch_has_the_digest_it_has_alone(spans):
    together = file_digests(columns_of(spans), SLOTS)
    for slot in range(SLOTS):
        assert to_hex(together[slot]) == digest([span for span in spans if span.slot == slot])


@thorough
@given(span_lists())
def test_the_encoding_of_the_texts_does_not_matter(spans):
    padded = columns_of(spans, unused=("never", "used"))
    assert (file_digests(padded, SLOTS) == file_digests(columns_of(spans), SLOTS)).all()


@pytest.mark.parametrize(
    "change",
    [
        {"trace": KNOWN[1].trace ^ 1},
        {"trace": KNOWN[1].trace ^ 1 << 127},
        {"span": KNOWN[1].span ^ 1 << 63},
        {"parent": 0},
        {"start": KNOWN[1].start + 1},
        {"duration": 1},
        {"row": 2},
        {"position": 1},
        {"status": 1},
        {"kind": 2},
        {"status": 3, "kind": 2},
        {"service": "strasse"},
        {"name": " "},
        {"service": "", "name": "straße"},
    ],
    ids=str,
)
def test_a_change_of_one_field_changes_the_digest(change):
    assert digest([KNOWN[0], replace(KNOWN[1], **change)]) != digest(KNOWN)


@thorough
@given(span_lists(max_size=10), st.data())
def test_a_field_taken_from_another_span_changes_the_digest(spans, data):
    assume(spans)
    at = data.draw(st.integers(0, len(spans) - 1))
    other = data.draw(st.sampled_from([*spans, *KNOWN]))
    name = data.draw(st.sampled_from([name for name in vars(other) if name != "slot"]))
    assume(getattr(other, name) != getattr(spans[at], name))
    changed = [*spans[:at], replace(spans[at], **{name: getattr(other, name)}), *spans[at + 1 :]]
    assert digest(changed) != digest(spans)


def test_a_row_held_twice_does_not_cancel_out():
    once = digest(KNOWN[:1])
    assert digest(KNOWN[:1] * 2) == added(once, once) != "0" * 32


def test_two_spans_that_swap_a_field_change_the_digest():
    first, second = KNOWN
    swapped = [replace(first, name=second.name), replace(second, name=first.name)]
    assert digest(swapped) != digest(KNOWN)


def test_a_file_without_spans_has_digest_zero():
    assert [to_hex(one) for one in file_digests(SpanColumns.empty(), 2)] == ["0" * 32] * 2


def test_the_catalog_digest_ignores_the_order_of_files():
    assert combine({"a": "1", "b": "2"}) == combine({"b": "2", "a": "1"})


@pytest.mark.parametrize(
    "other",
    [{}, {"a": "1"}, {"a": "2", "b": "1"}, {"a": "1", "b": "2", "c": "0"}, {"a": "1", "B": "2"}],
    ids=str,
)
def test_the_catalog_digest_tells_which_file_has_which_digest(other):
    assert combine(other) != combine({"a": "1", "b": "2"})
