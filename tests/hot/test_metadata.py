"""Metadata of hot spans is that of their rows, and is made once of what stays the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.hot import metadata as module
from indexer.hot.decoding import Decoder
from indexer.hot.metadata import HotMetadata, MetadataRuns
from indexer.hot.requests import HotRequests, Requests
from indexer.otlp.spans import span_table
from indexer.query.tiers.hot_spans import hot_columns
from indexer.spans.metadata import SpanMetadata
from indexer.wire.generated import ingestion_pb2 as wire
from tests.hot.servers import GARBAGE, body, key
from tests.support.examples import examples
from tests.support.span_files import Span, spans, table


def part(count: int, first: int = 1) -> HotMetadata:
    """So many spans of traces of their own."""
    return HotMetadata.of(pa.table(table(spans(count, trace=first))), hot_columns)


class Held:
    """A part that says how often it was asked."""

    def __init__(self, count: int, first: int) -> None:
        self.made = part(count, first)
        self.asked = 0

    def metadata(self, _: object) -> HotMetadata:
        self.asked += 1
        return self.made


def rows(parts: Iterable[HotMetadata]) -> list[tuple[int, SpanMetadata]]:
    """Each span with the number of its row among those of all parts."""
    found: list[tuple[int, SpanMetadata]] = []
    first = 0
    for one in parts:
        found += [(first + row.file_row_number, row) for row in one.columns.rows()]
        first += one.row_count
    return sorted((at, _unplaced(row)) for at, row in found)


def _unplaced(row: SpanMetadata) -> SpanMetadata:
    values = {name: getattr(row, name) for name in row.__dataclass_fields__}
    return SpanMetadata(**{**values, "file_row_number": 0})


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=8)
"""How many parts go at the beginning, and how many spans come in a new one."""


@examples(60)
@given(STEPS, st.integers(1, 12))
def test_runs_have_all_rows_of_their_parts_in_order_whatever_comes_and_goes(
    steps: list[tuple[int, int]], longest: int
) -> None:
    runs, held, first = MetadataRuns(), [], 1
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "RUN_ROWS_MAX", longest)
        for gone, come in steps:
            held = [*held[gone:], Held(come, first)]
            first += 10
            found = runs.of(held, hot_columns)
            assert rows(found) == rows([one.made for one in held])
            again = runs.of(held, hot_columns)
            assert all(one is other for one, other in zip(found, again, strict=True))


def test_a_long_run_is_the_same_value_while_short_ones_are_joined() -> None:
    runs, held = MetadataRuns(), [Held(40, 1)]
    (long,) = runs.of(held, hot_columns)
    for number in range(8):
        held.append(Held(2, 100 + 10 * number))
        found = runs.of(held, hot_columns)
        assert found[0] is long
        sizes = [one.row_count for one in found]
        assert all(one >= 2 * other for one, other in pairwise(sizes))
    assert [one.asked for one in held] == [1] * len(held)


def test_what_is_left_of_a_part_keeps_the_numbers_of_its_rows() -> None:
    whole = part(5)
    assert rows([whole.after(2)]) == [(at - 2, row) for at, row in rows([whole])[2:]]
    assert whole.after(2).row_count == 3


def test_copies_are_told_in_a_part_that_was_joined() -> None:
    assert not part(3).has_copies
    assert not HotMetadata.joined([part(3), part(3, first=9)]).has_copies
    assert HotMetadata.joined([part(3), part(1)]).has_copies


def arrived(decoder: Decoder, *bodies: bytes) -> Requests:
    sent = [
        wire.HotRequest(key=key(at), body=one, span_count=1) for at, one in enumerate(bodies, 1)
    ]
    return Requests.from_wire(decoder, sent)


def said(requests: Sequence[Requests]) -> list[tuple[int, SpanMetadata]]:
    return rows(HotRequests(Decoder(), requests).metadata(hot_columns))


def test_it_is_the_same_before_requests_are_decoded_and_after() -> None:
    """With one that cannot be read between them, and one that has more than its server says."""
    bodies = [body(Span(trace=2), Span(span=5)), GARBAGE, body(Span(span=7, parent=3))]
    before, after = arrived(Decoder(), *bodies), arrived(Decoder(), *bodies)
    found = said([before])
    assert before.decoded is None
    after.rows()
    assert found == said([after])
    before.rows()
    assert found == said([before]) == said([before.after(key(0))])
    assert said([before.after(key(1))]) == said([after.after(key(1))])
    assert len(said([before.after(key(1))])) == 1


def test_a_copy_is_there_when_the_first_one_has_gone() -> None:
    bodies = [body(Span(span=1), Span(span=2)), body(Span(span=2), Span(span=3))]
    held = arrived(Decoder(), *bodies)
    held.rows()
    assert [row.span_id for _, row in said([held])] == [f"{at:016x}" for at in (1, 2, 3)]
    left = said([held.after(key(1))])
    assert [row.span_id for _, row in left] == [f"{at:016x}" for at in (2, 3)]


def test_parts_that_are_joined_are_not_read_again() -> None:
    one, other = (arrived(Decoder(), body(Span(span=at))) for at in (1, 2))
    expected = said([one, other])
    for each in (one, other):
        each.rows()
    both = one.joined(other)
    assert both is not None
    assert both.metadata(None) is both.metadata(None)  # type: ignore[arg-type] - nothing is read
    assert said([both]) == expected


def test_spans_whose_payload_alone_does_not_decode_are_no_metadata_once_that_is_known() -> None:
    """Their rows are not there, and whoever numbers them has the numbers of those that are."""

    def requests(bodies: Iterable[bytes]) -> pa.Table:
        some = list(bodies)
        return span_table([] if bad in some else some)

    bad = body(Span(span=2))
    decoder = Decoder(requests=requests)
    held = arrived(decoder, bad)
    assert len(said([held])) == 1
    held.rows()
    assert (held.count, len(said([arrived(decoder, bad)]))) == (0, 1)
