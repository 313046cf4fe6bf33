"""The first digits of a trace ID are the trace, as long as no other trace begins so."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.errors import InvalidId
from indexer.query.trace_facts import summarise_trace
from indexer.query.trace_prefix import CANDIDATES_MAX, trace_by_text, whole_trace_id
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, write
from tests.support.tiers import answers_over

pytestmark = pytest.mark.duckdb

ONE = 0xABCD0000000000000000000000000001
OTHER = 0xABCE0000000000000000000000000002
LONG = 0xABCD000000000000000000000000FFFF
SHORT = 0xABCD
"""A trace ID of 64 bits whose digits begin another trace's."""
HOT = 0xFACE0000000000000000000000000003
RECENT = 0xFEED0000000000000000000000000004


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory):
    with indexed(tmp_path_factory.mktemp("prefix")) as one:
        write(one.root / "a.parquet", [Span(trace=trace) for trace in (ONE, LONG, OTHER)])
        one.settle()
        yield one


@pytest.mark.parametrize("text", ["abce", "ABCE", " abce0 ", f"{OTHER:x}"[:31], f"{OTHER:x}"])
def test_digits_that_one_trace_begins_with_are_that_trace(one: Indexed, text: str) -> None:
    answer = trace_by_text(one.answers(), text)
    assert [span.trace_id for span in answer.spans] == [f"{OTHER:032x}"]
    assert summarise_trace(one.answers(), text).trace_id == f"{OTHER:032x}"


def test_digits_that_several_begin_with_are_refused_with_the_candidates(one: Indexed) -> None:
    with pytest.raises(InvalidId, match="ambiguous trace ID 'abcd'") as refused:
        whole_trace_id(one.answers(), "abcd")
    assert refused.value.message.endswith(f"{ONE:032x}, {LONG:032x}")


def test_more_candidates_than_anybody_reads_are_not_all_named(tmp_path: Path) -> None:
    with indexed(tmp_path) as many:
        write(many.root / "a.parquet", [Span(trace=ONE + at) for at in range(30)])
        many.settle()
        with pytest.raises(InvalidId, match="and more") as refused:
            whole_trace_id(many.answers(), "abcd")
    assert refused.value.message.count("abcd0000") == CANDIDATES_MAX


def test_digits_that_are_a_whole_short_id_are_no_beginning(tmp_path: Path) -> None:
    with indexed(tmp_path) as short:
        write(short.root / "a.parquet", [Span(trace=SHORT), Span(trace=ONE)])
        short.settle()
        answer = trace_by_text(short.answers(), "abcd")
        assert [span.trace_id for span in answer.spans] == [f"{SHORT:032x}"]


@pytest.mark.parametrize("text", ["abc", "beef", "b" * 16])
def test_digits_that_none_begins_with_are_an_id_of_64_bits(one: Indexed, text: str) -> None:
    assert not trace_by_text(one.answers(), text).spans


def test_more_digits_than_an_id_of_64_bits_has_are_refused_where_none_begins_so(
    one: Indexed,
) -> None:
    with pytest.raises(InvalidId, match="no trace ID begins with it"):
        whole_trace_id(one.answers(), "b" * 17)


def test_spans_that_no_index_has_are_among_the_candidates(tmp_path: Path) -> None:
    by_tier = {
        "a": [Span(trace=OTHER)],
        "recent": [Span(trace=RECENT)],
        "hot": [Span(trace=HOT), Span(trace=OTHER + 1)],
    }
    with answers_over(tmp_path, by_tier) as answers:
        assert whole_trace_id(answers, "face") == f"{HOT:032x}"
        assert whole_trace_id(answers, f"{RECENT:032x}"[:20]) == f"{RECENT:032x}"
        with pytest.raises(InvalidId, match=f"{OTHER:032x}, {OTHER + 1:032x}"):
            whole_trace_id(answers, "abce")
