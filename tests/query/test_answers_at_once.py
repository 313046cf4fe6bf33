"""An answer that must not wait is the one that may, or there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.hot.span_places import FEW_SPANS
from indexer.hot.view import HotView
from indexer.query.answer import SpansAnswer
from indexer.query.answers import Answers
from indexer.query.cost import NO_COST
from indexer.query.deadline import AT_ONCE_SPANS_MAX, Deadline
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.find.trace_rows import TraceRows
from indexer.query.span import Span as Shown
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.tiers.kept_files import ASKS_BEFORE_ROWS
from indexer.query.tiers.recent_files import read_recent_files
from indexer.read.values import LARGE_PAGE_BYTES
from indexer.system.cached_storage import MustWait
from tests.hot.servers import body, hot_requests
from tests.support.catalogs import Indexed, indexed
from tests.support.page_cache import have_all_in_memory, have_nothing_in_memory, needs_preadv2
from tests.support.span_files import Span, spans, write

pytestmark = [pytest.mark.duckdb, needs_preadv2]

TRACES = st.integers(1, 4)
QUERIES = st.one_of(
    st.builds(lambda trace: TraceQuery.of(f"{trace:032x}"), TRACES),
    st.builds(lambda trace, span: TraceQuery.of(f"{trace:032x}", f"{span:016x}"), TRACES, TRACES),
    st.builds(SpanQuery, service=st.sampled_from(["shop", "cart"]), roots=st.booleans()),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from("ab"), TRACES),
        st.tuples(st.just("remove"), st.sampled_from("ab"), TRACES),
        st.tuples(st.just("hot"), st.just(""), st.integers(0, 3)),
        st.tuples(st.just("flush"), st.just(""), TRACES),
        st.tuples(st.just("ask"), QUERIES, st.integers(1, 2 * ASKS_BEFORE_ROWS)),
    ),
    max_size=8,
)


def text_of(span: Shown) -> bytes:
    return repr((span[:9], span.payload)).encode()


def hot_view(rows: list[Span], recent_files: Iterable[Path] = ()) -> HotView:
    """As an ingestion sends them, a request a span; and files that it has flushed."""
    return HotView(
        rows=hot_requests(*map(body, rows)),
        as_of_unix_nano=7,
        recent_files=tuple(map(str, recent_files)),
        source="incremental",
        bounded=False,
    )


def asked(
    answers: Answers, query: TraceQuery | SpanQuery, deadline: Deadline, cache: EncodedSpanCache
) -> SpansAnswer:
    if isinstance(query, TraceQuery):
        return answers.trace(query, deadline, cache)
    return answers.spans(query, deadline=deadline, encoding=cache)


def said(answer: SpansAnswer) -> SpansAnswer:
    return replace(answer, cost=NO_COST, spans=[span[:9] for span in answer.spans])


def at_once(
    one: Indexed, query: TraceQuery | SpanQuery, cache: EncodedSpanCache, **options: object
) -> SpansAnswer:
    return asked(worker_answers(one, **options), query, Deadline(may_wait=False), cache)


def worker_answers(one: Indexed, **options: object) -> Answers:
    return one.answers(directory=lambda: one.pipeline.register.directory, **options)


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexed]:
    """A file whose attributes are too many to be kept."""
    have_all_in_memory(monkeypatch)
    with indexed(tmp_path) as found:
        rows = [*spans(3), *spans(AT_ONCE_SPANS_MAX + 1, trace=2)]
        own = [replace(row, attributes=f'{{"{at:0200}":0}}') for at, row in enumerate(rows)]
        write(found.root / "a.parquet", own)
        found.settle()
        yield found


def warmed(one: Indexed) -> Answers:
    answers = worker_answers(one)
    for _ in range(ASKS_BEFORE_ROWS + 1):
        answers.trace("1")
    return answers


def test_a_trace_is_answered_once_its_file_is_known(one: Indexed) -> None:
    answers = worker_answers(one)
    query, cache = TraceQuery.of("1"), EncodedSpanCache(text_of)
    with pytest.raises(MustWait):
        asked(answers, query, Deadline(may_wait=False), cache)
    answers = warmed(one)
    found = asked(answers, query, Deadline(may_wait=False), cache)
    assert said(found) == said(asked(answers, query, Deadline(), EncodedSpanCache(text_of)))
    assert found.cost.files_read == 1


def test_a_large_trace_is_left_to_others(one: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its spans are made one by one, of an indexed file and of one whose commit comes."""
    answers, cache = warmed(one), EncodedSpanCache(text_of)
    whole = answers.trace("2")
    monkeypatch.setattr(TraceRows, "rows", lambda *_: pytest.fail("they are made"))
    with pytest.raises(MustWait):
        asked(answers, TraceQuery.of("2"), Deadline(may_wait=False), cache)
    for trace, is_large in [("1", False), ("2", True)]:
        recent = read_recent_files(answers.moments.storage, [str(one.root / "a.parquet")])
        recent = replace(recent, deadline=Deadline(may_wait=False))
        if is_large:
            with pytest.raises(MustWait):
                recent.candidates(TraceQuery.of(trace))
        else:
            assert len(recent.candidates(TraceQuery.of(trace)).spans) == 3
    assert len(whole.spans) == AT_ONCE_SPANS_MAX + 1


def test_what_takes_long_to_decode_is_left_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few bytes it is stored as."""
    have_all_in_memory(monkeypatch)
    for chars, is_answered in [(1, True), (LARGE_PAGE_BYTES, False)]:
        texts = [f'{{"{at:05000}":"{"x" * chars}"}}' for at in range(3)]
        rows = [replace(row, attributes=text) for row, text in zip(spans(3), texts, strict=True)]
        folder = tmp_path / str(chars)
        folder.mkdir()
        with indexed(folder) as one:
            write(one.root / "a.parquet", rows, use_dictionary=False, write_statistics=False)
            one.settle()
            answers, cache = warmed(one), EncodedSpanCache(text_of)
            try:
                asked(answers, TraceQuery.of("1"), Deadline(may_wait=False), cache)
            except MustWait:
                assert not is_answered
            else:
                assert is_answered


def test_what_the_disk_has_alone_is_left_to_others(
    one: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = warmed(one)
    have_nothing_in_memory(monkeypatch)
    with pytest.raises(MustWait):
        asked(answers, TraceQuery.of("1"), Deadline(may_wait=False), EncodedSpanCache(text_of))


def test_a_file_that_is_gone_is_left_to_others_who_say_so(one: Indexed) -> None:
    answers = warmed(one)
    (one.root / "a.parquet").unlink()
    with pytest.raises(MustWait):
        asked(answers, TraceQuery.of("1"), Deadline(may_wait=False), EncodedSpanCache(text_of))


def with_hot(answers: Answers, view: HotView | None) -> Answers:
    return replace(answers, hot=lambda: pytest.fail("it was asked"), hot_at_once=lambda: view)


def test_what_is_hot_is_asked_for_by_others(one: Indexed) -> None:
    """Where it is known, the answer says as of when."""
    answers, cache, query = warmed(one), EncodedSpanCache(text_of), TraceQuery.of("1")
    with pytest.raises(MustWait):
        asked(with_hot(answers, None), query, Deadline(may_wait=False), cache)
    found = asked(with_hot(answers, hot_view([])), query, Deadline(may_wait=False), cache)
    assert found.completeness.as_of_unix_nano == 7


def test_a_list_that_is_known_is_given_again_while_nothing_is_hot(one: Indexed) -> None:
    query, cache, view = SpanQuery(service="shop", limit=3), EncodedSpanCache(text_of), hot_view([])
    answers = with_hot(worker_answers(one), view)
    true = asked(replace(answers, hot=lambda: view), query, Deadline(), cache)
    assert said(asked(answers, query, Deadline(may_wait=False), cache)) == said(true)
    assert len(true.spans) == 3


def test_a_trace_has_its_hot_spans_once_it_is_known_where_they_are(one: Indexed) -> None:
    """Few of them, that is; a list looks at all that are hot."""
    cache, query, view = EncodedSpanCache(text_of), TraceQuery.of("1"), hot_view(spans(5))
    answers = with_hot(warmed(one), view)
    with pytest.raises(MustWait):
        asked(answers, query, Deadline(may_wait=False), cache)
    true = asked(replace(answers, hot=lambda: view), query, Deadline(), cache)
    found = asked(answers, query, Deadline(may_wait=False), cache)
    assert said(found) == said(true)
    assert len(found.spans) == 5
    assert found.completeness.hot.spans == 2  # the file has three of them
    many = hot_view(spans(FEW_SPANS + 1))
    assert many.rows.few(query.trace_id, may_wait=True) is None
    for other, asks in [(many, query), (view, SpanQuery(service="shop"))]:
        with pytest.raises(MustWait):
            asked(with_hot(answers, other), asks, Deadline(may_wait=False), cache)


def test_a_file_that_was_flushed_is_known_to_be_indexed_until_the_next_commit(
    one: Indexed,
) -> None:
    answers, cache, query = warmed(one), EncodedSpanCache(text_of), TraceQuery.of("1")
    view = hot_view([], [one.root / "a.parquet"])
    with pytest.raises(MustWait):
        asked(with_hot(answers, view), query, Deadline(may_wait=False), cache)
    asked(replace(answers, hot=lambda: view), query, Deadline(), cache)
    found = asked(with_hot(answers, view), query, Deadline(may_wait=False), cache)
    assert (len(found.spans), found.completeness.recent_files) == (3, ())
    write(one.root / "b.parquet", spans(1, trace=3))
    one.settle()
    with pytest.raises(MustWait):
        asked(with_hot(answers, view), query, Deadline(may_wait=False), cache)


@given(steps=STEPS)
def test_whatever_happens_the_answer_is_that_of_who_may_wait(steps: list[tuple]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        have_all_in_memory(patched)
        with indexed(Path(folder)) as one:
            _compare(one, steps)


def _compare(one: Indexed, steps: list[tuple]) -> None:
    memory, cache, hot = worker_answers(one).memory, EncodedSpanCache(text_of), hot_view([])
    flushed: list[Path] = []
    for number, (step, about, count) in enumerate(steps):
        if step == "write":
            rows = spans(count, trace=count, service="shop", attributes=f'{{"n":{number}}}')
            write(one.root / f"{about}.parquet", [*rows, Span(trace=4, span=9, service="cart")])
            one.settle()
        elif step == "remove":
            (one.root / f"{about}.parquet").unlink(missing_ok=True)
            one.settle()
        elif step == "hot":
            hot = hot_view(spans(count, trace=4, first=7), flushed)
        elif step == "flush":  # it is indexed with the next write
            flushed = [one.root / f"flushed-{number}.parquet"]
            write(flushed[0], spans(2, trace=count, first=5))
            hot = replace(hot, recent_files=tuple(map(str, flushed)))
        else:
            options = {"hot": lambda hot=hot: hot, "hot_at_once": lambda hot=hot: hot}
            for _ in range(count):
                true = asked(one.answers(memory=None, **options), about, Deadline(), _nothing())
                seen = asked(
                    worker_answers(one, memory=memory, **options), about, Deadline(), cache
                )
                assert said(seen) == said(true)
                try:
                    found = at_once(one, about, cache, memory=memory, **options)
                except MustWait:
                    continue
                assert said(found) == said(true)


def _nothing() -> EncodedSpanCache:
    return EncodedSpanCache(text_of)
