"""Each span that comes is new once, wherever it is seen first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from indexer.errors import HotUnavailable
from indexer.hot.view import DecodedRows, HotView
from indexer.mastra.otel_view import OtelSpans
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.query.find.span_query import SpanQuery
from indexer.query.new_spans import NewSpans, SpanFollower
from tests.mastra.samples import span
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, spans, table, write

pytestmark = pytest.mark.duckdb
TRACE = f"{7:032x}"


class Hot:
    """A hot tier that has what the test says."""

    def __init__(self) -> None:
        self.rows: list[Span] = []
        self.is_there = True

    def __call__(self) -> HotView:
        if not self.is_there:
            raise HotUnavailable("nobody is there")
        return HotView(
            rows=DecodedRows(pa.table(table(self.rows))),
            as_of_unix_nano=7,
            recent_files=(),
            source="incremental",
            bounded=False,
        )


def ids(found: NewSpans, **query: object) -> list[int]:
    chosen, missing = found.matching(SpanQuery(**query))  # type: ignore[arg-type]
    assert missing == ()
    return [int(span.span_id, 16) for span in chosen]


def follower(one: Indexed, hot: Hot) -> SpanFollower:
    return SpanFollower(one.answers(hot=hot))


def test_what_was_there_before_is_not_new(tmp_path: Path) -> None:
    hot = Hot()
    hot.rows = spans(2)
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2, first=5))
        one.settle()
        following = follower(one, hot)
        assert ids(following.look()) == []
        assert ids(following.look()) == []


def test_a_span_is_new_once_on_its_way_into_a_file(tmp_path: Path) -> None:
    """Hot, hot again, then in a file with one that was never seen hot."""
    hot = Hot()
    with indexed(tmp_path) as one:
        following = follower(one, hot)
        following.look()
        hot.rows = spans(2)
        assert ids(following.look()) == [1, 2]
        hot.rows = spans(3)
        assert ids(following.look()) == [3]
        hot.rows = []
        write(one.root / "a.parquet", spans(4))
        one.settle()
        assert ids(following.look()) == [4]
        assert ids(following.look()) == []


def test_the_words_of_a_search_choose_and_the_payload_is_read(tmp_path: Path) -> None:
    hot = Hot()
    with indexed(tmp_path) as one:
        following = follower(one, hot)
        following.look()
        hot.rows = [Span(span=1, service="bank"), Span(span=2, attributes='{"a":1}')]
        write(one.root / "a.parquet", [Span(span=3, attributes='{"a":2}')])
        one.settle()
        found = following.look()
        chosen, _ = found.matching(SpanQuery(service="shop"))
        whole = found.with_payload(chosen)
    attributes = {int(span.span_id, 16): span.payload and span.payload.attributes for span in whole}
    assert attributes == {2: {"a": 1}, 3: {"a": 2}}


def test_a_hot_tier_that_does_not_answer_is_said_and_asked_again(tmp_path: Path) -> None:
    hot = Hot()
    with indexed(tmp_path) as one:
        following = follower(one, hot)
        following.look()
        hot.is_there = False
        write(one.root / "a.parquet", spans(1))
        one.settle()
        found = following.look()
        assert ids(found) == [1]
        assert [missing.reason.code for missing in found.missing] == ["HotUnavailable"]
        hot.is_there, hot.rows = True, spans(2)
        assert ids(following.look()) == [2]


def test_a_published_span_is_new_once_whichever_way_else_it_comes(tmp_path: Path) -> None:
    store = SyncDuckDBStore(threads=1)
    store.init()
    hot = Hot()
    with indexed(tmp_path) as one:
        answers = one.answers(hot=hot)
        published = OtelSpans(lambda: store.database)
        following = SpanFollower(replace(answers, published=published))
        store.observability.create_span(span(TRACE, f"{1:016x}"))
        assert ids(following.look()) == []
        store.observability.batch_create_spans(
            [span(TRACE, f"{1:016x}"), span(TRACE, f"{2:016x}", attributes={"model": "m"})]
        )
        found = following.look()
        assert ids(found) == [2]
        (whole,) = found.with_payload(found.matching(SpanQuery())[0])
        assert whole.payload
        assert whole.payload.attributes
        hot.rows = spans(3, trace=7, kind=1)
        assert ids(following.look()) == [1, 3]  # nobody followed when the first was published
        store.observability.update_span(TRACE, f"{2:016x}", {"output": 1})
        assert ids(following.look()) == []
        store.close()
        (missing,) = following.look().missing
        assert missing.detail
