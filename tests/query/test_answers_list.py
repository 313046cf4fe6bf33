"""A page of a list equals brute force over the spans of all tiers, and pages join up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from indexer.errors import QueriesBusy, QueryRefused, QueryTooLarge
from indexer.hot.view import DecodedRows, HotView
from indexer.query.answer import Answer
from indexer.query.answers import Answers
from indexer.query.find import column_scan, file_selection, index_scan, llm_traces, newest_rows
from indexer.query.find.cursor import position_of
from indexer.query.find.span_conditions import ANY_SPAN, SpanConditions
from indexer.query.find.span_query import SpanQuery
from indexer.query.limits import AnswerLimits
from indexer.query.span import Span as AnsweredSpan
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.tiers import kept_files
from indexer.query.window import Window
from indexer.system.budget import ByteBudget
from tests.support.catalogs import Indexed, indexed
from tests.support.examples import examples
from tests.support.span_files import T0, Span, spans, table, write
from tests.support.tiers import Published, stored_once

pytestmark = pytest.mark.duckdb

KEYS = ("junjo.span_type", "gen_ai.system", "openinference.span.kind")
KINDS = (
    {},
    {"junjo.span_type": "workflow"},
    {"junjo.span_type": "node", "gen_ai.system": "x"},
    {"openinference.span.kind": "LLM"},
    {"openinference.span.kind": "CHAIN"},
    {"gen_ai.system": ""},
)
NAMES = ("GET /", "GET /cart", "get /", "100%_ü", "a\0b'", "")
TIERS = ("a.parquet", "b.parquet", "c.parquet", "recent.parquet", "hot", "published")

MADE = st.tuples(
    st.sampled_from(TIERS),
    st.integers(1, 6),  # trace
    st.integers(0, 20),  # start
    st.sampled_from(("shop", "cart")),
    st.booleans(),  # root
    st.booleans(),  # a server's, and its client's under the same id
    st.sampled_from(KINDS),
    st.sampled_from(NAMES),
    st.integers(0, 2),  # status
    st.sampled_from((-5, 0, 1, 2**40)),  # duration
)
CONDITIONS = st.builds(
    SpanConditions,
    name=st.none() | st.sampled_from(NAMES),
    name_prefix=st.none() | st.sampled_from(("GET", "GET /", "\0", "x")),
    name_contains=st.none() | st.sampled_from(("", "/", "%", "_", "ü", "\0")),
    span_kind=st.none() | st.sampled_from((2, 3)),
    status_code=st.none() | st.integers(0, 2),
    min_duration_ns=st.none() | st.sampled_from((-5, 0, 1, 2)),
    max_duration_ns=st.none() | st.sampled_from((-5, 0, 1, 2**40 - 1)),
)
QUERIES = st.builds(
    SpanQuery,
    service=st.none() | st.sampled_from(("shop", "cart", "nobody")),
    roots=st.booleans(),
    llm=st.booleans(),
    llm_in_service=st.booleans(),
    attribute=st.none() | st.just("junjo.span_type"),
    value=st.none() | st.just("workflow"),
    slowest=st.booleans(),
    conditions=st.just(ANY_SPAN) | CONDITIONS,
    since_unix_nano=st.none() | st.integers(0, 20),
    until_unix_nano=st.none() | st.integers(0, 20),
    offset=st.sampled_from((0, 0, 1, 3)),
    limit=st.integers(1, 7),
)


@dataclass
class Tiered:
    """Spans by the tier that they are in; some are in two."""

    one: Indexed
    by_tier: dict[str, list[Span]]

    @property
    def answers(self) -> Answers:
        recent = self.one.root / "recent.parquet"
        view = HotView(
            rows=DecodedRows(table(self.by_tier["hot"])),
            as_of_unix_nano=1,
            recent_files=(str(recent),) if recent.exists() else (),
            source="incremental",
            bounded=False,
        )
        return self.one.answers(
            directory=lambda: self.one.pipeline.register.directory,
            hot=lambda: view,
            published=Published(self.by_tier["published"]),
        )

    def services(self, query: SpanQuery) -> dict[str, int]:
        """The same by brute force."""
        every = distinct(self.by_tier)
        bounds = SpanQuery(
            since_unix_nano=query.since_unix_nano, until_unix_nano=query.until_unix_nano
        )
        found = [one for one in every.values() if matches(one, bounds, set())]
        return Counter(str(one.service) for one in found)

    def expected(self, query: SpanQuery) -> list[Span]:
        """The whole list from its beginning, by brute force."""
        every = distinct(self.by_tier)
        service = query.service if query.llm_in_service else None
        calls = [one for one in every.values() if is_llm(one) and service in (None, one.service)]
        llm = {one.trace for one in calls}
        found = [one for one in every.values() if matches(one, query, llm)]
        return sorted(found, key=lambda one: place(one, slowest=query.slowest))


def distinct(by_tier: dict[str, list[Span]]) -> dict[tuple[int, int, int], Span]:
    """The published copy of a span, which is last, counts."""
    return {(one.trace, one.span, one.kind): one for some in by_tier.values() for one in some}


def is_llm(span: Span) -> bool:
    attributes = json.loads(span.attributes)
    kind, system = attributes.get(KEYS[2]), attributes.get(KEYS[1])
    return kind == "LLM" or bool(system)


def matches(span: Span, query: SpanQuery, llm: set[int]) -> bool:
    value = json.loads(span.attributes).get(query.attribute)
    return (
        query.service in (None, span.service)
        and not (query.roots and span.parent is not None)
        and not (query.llm and span.trace not in llm)
        and (query.attribute is None or (value is not None and query.value in (None, value)))
        and meets(span, query.conditions)
        and (query.since_unix_nano is None or span.start >= query.since_unix_nano)
        and (query.until_unix_nano is None or span.start < query.until_unix_nano)
    )


def place(span: Span, *, slowest: bool) -> tuple[Any, ...]:
    lasted = max(span.start + span.duration, 0) - span.start  # an end before 1970 is kept as 0
    return (-lasted * slowest, -span.start, span.trace_id, span.span_id, span.kind)


def meets(span: Span, wanted: SpanConditions) -> bool:
    return (
        wanted.name in (None, span.name)
        and span.name.startswith(wanted.name_prefix or "")
        and (wanted.name_contains or "") in span.name
        and wanted.span_kind in (None, span.kind)
        and wanted.status_code in (None, span.status)
        and lasts(span, wanted.min_duration_ns, wanted.max_duration_ns)
    )


def lasts(span: Span, shortest: int | None, longest: int | None) -> bool:
    """A start or end of 0 is unknown, as one before 1970 is, and no time is counted from it."""
    if shortest is None and longest is None:
        return True
    return (
        min(span.start, span.start + span.duration) > 0
        and (shortest is None or span.duration >= shortest)
        and (longest is None or span.duration <= longest)
    )


def tiered(folder: Path, made: Sequence[tuple[Any, ...]], doubled: int = 3) -> Iterator[Tiered]:
    by_tier: dict[str, list[Span]] = {tier: [] for tier in TIERS}
    for number, (tier, trace, start, service, root, shared, *more) in enumerate(made, 1):
        attributes, name, status, duration = more
        span = Span(
            trace=trace,
            span=number,
            parent=None if root else 99,
            start=start,
            service=service,
            attributes=json.dumps(attributes),
            name=name,
            status=status,
            duration=duration,
        )
        by_tier[tier].append(span)
        if shared:
            by_tier[TIERS[number % len(TIERS)]].append(replace(span, kind=3))
        if number % doubled == 0:  # flushed, and still in the hot tier
            by_tier["hot"].append(span)
        if number % 4 == 0:  # sent both ways, and not alike
            by_tier["published"].append(
                replace(span, name=NAMES[number % 6], start=start + 1, duration=2, status=1)
            )
    by_tier["published"] = stored_once(by_tier["published"])
    with indexed(folder, keys=KEYS) as one:
        for tier in TIERS[:3]:
            if by_tier[tier]:
                write(one.root / tier, by_tier[tier])
        one.settle()
        if by_tier["recent.parquet"]:
            write(one.root / "recent.parquet", by_tier["recent.parquet"])
        yield Tiered(one, by_tier)


def services(tiers: Tiered, query: SpanQuery) -> dict[str, int]:
    """The spans of each service that start in the bounds of the query, as the answer has them."""
    bounds = {"since_unix_nano": query.since_unix_nano, "until_unix_nano": query.until_unix_nano}
    found = tiers.answers.services(window=Window(**bounds))
    assert found.completeness.is_complete
    return {one.service_name: one.total_spans for one in found.services}


def ids(found: Sequence[Span | AnsweredSpan]) -> list[tuple[str, str, int]]:
    return [
        (one.trace_id, one.span_id, one.kind if isinstance(one, Span) else one.span_kind)
        for one in found
    ]


def codes(answer: Answer) -> list[str]:
    return [missing.reason.code for missing in answer.completeness.missing]


@examples(6, suppress_health_check=[HealthCheck.too_slow])
@given(made=st.lists(MADE, max_size=25), queries=st.lists(QUERIES, min_size=1, max_size=6))
def test_a_page_is_the_part_of_a_full_scan_of_all_tiers(
    made: list[tuple[Any, ...]],
    queries: list[SpanQuery],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whatever the filters and whichever tier has the span; stopping early loses none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_selection, "FILES_AT_FIRST", 1)
        patch.setattr(column_scan, "_ORDERED_WHOLE_MAX", 0)
        patch.setattr(index_scan, "LLM_SHARE", 1)
        patch.setattr(llm_traces, "FILES_WHOLE_MAX", 1)
        patch.setattr(kept_files, "ASKS_BEFORE_ROWS", 1)
        patch.setattr(newest_rows, "LOOKED_AT_FIRST", 2)
        for tiers in tiered(tmp_path_factory.mktemp("pages"), made):
            encoding = EncodedSpanCache(
                lambda span: json.dumps([span.span_id, span.payload.attributes]).encode()
            )
            answers = tiers.answers
            for query in queries:
                answer = answers.spans(query)
                expected = tiers.expected(query)[query.offset :]
                assert ids(answer.spans) == ids(expected[: query.limit])
                assert (answer.next_cursor is not None) == (len(expected) > query.limit)
                assert codes(answer) == []
                shown = [span.payload.attributes for span in answer.spans]
                assert shown == [json.loads(one.attributes) for one in expected[: query.limit]]
                for _ in range(2):  # what is read, and what is kept of it
                    encoded = answers.spans(query, encoding=encoding).encoded
                    assert encoded == [
                        json.dumps([one.span_id, json.loads(one.attributes)]).encode()
                        for one in expected[: query.limit]
                    ]
                assert services(tiers, query) == tiers.services(query)
                elsewhere = replace(tiers.answers, directory=lambda: None).spans(query)
                assert ids(elsewhere.spans) == ids(answer.spans)


@examples(4, suppress_health_check=[HealthCheck.too_slow])
@given(made=st.lists(MADE, max_size=25), query=QUERIES, limit=st.integers(1, 4))
def test_pages_join_up_to_the_list(
    made: list[tuple[Any, ...]],
    query: SpanQuery,
    limit: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Each span once and in order, although newer ones arrive between two pages."""
    query = replace(query, offset=0, limit=limit)
    for tiers in tiered(tmp_path_factory.mktemp("pages"), made):
        expected = ids(tiers.expected(query))
        found: list[tuple[str, str, int]] = []
        page = query
        while True:
            answer = tiers.answers.spans(page, payload=False)
            found += ids(answer.spans)
            if answer.next_cursor is None:
                break
            page = replace(query, after=position_of(query, answer.next_cursor))
            tiers.by_tier["hot"].append(
                Span(trace=50 + len(found), start=10**9, duration=2**50, service="shop")
            )
        assert found == expected


def test_a_file_that_has_not_given_its_attributes_is_read_while_it_is_recent(
    tmp_path: Path,
) -> None:
    """A workflow does not vanish from its list between its file and its attributes."""
    flow = Span(attributes='{"junjo.span_type":"workflow"}')
    query = SpanQuery(service="shop", attribute="junjo.span_type", value="workflow")
    with indexed(tmp_path, keys=KEYS) as one:
        path = write(one.root / "recent.parquet", [flow])
        one.pipeline.sweep()
        one.pipeline.drain(lambda: False)
        assert one.rows("SELECT count(*) FROM file_attributes") == [(0,)]
        answers = Tiered(one, {"hot": [], "published": []}).answers
        answer = answers.spans(query)
        assert [span.source.path for span in answer.spans] == [str(path)]
        assert codes(answer) == []
        alone = replace(answers, hot=None).spans(query)
        assert (ids(alone.spans), codes(alone)) == ([], ["AttributesPending"])


def test_a_list_says_which_recent_file_it_could_not_read(tmp_path: Path) -> None:
    """Lists are as honest as traces; services are too."""
    with indexed(tmp_path) as one:
        (one.root / "recent.parquet").write_bytes(b"no")
        answers = Tiered(one, {"hot": [], "published": []}).answers
        for answer in (answers.spans(SpanQuery()), answers.services()):
            assert codes(answer) == ["FooterUnreadable"]


def test_a_page_tells_its_cost(tmp_path: Path) -> None:
    """Files and bytes that were read for it: none without payload."""
    with indexed(tmp_path) as one:
        size = write(one.root / "a.parquet", spans(9)).stat().st_size
        write(one.root / "b.parquet", spans(9, trace=2))
        one.settle()
        answers = one.answers()
        cost = answers.spans(SpanQuery(limit=2)).cost
        assert cost.files_read == 1
        assert 0 < cost.bytes_read <= size + 16 * 1024
        assert answers.spans(SpanQuery(limit=2), payload=False).cost.bytes_read == 0


def test_llm_traces_need_an_attribute_that_tells_them(tmp_path: Path) -> None:
    """The hint names the setting."""
    with indexed(tmp_path, keys=("error.type",)) as one:
        answers = one.answers()
        with pytest.raises(QueryRefused, match="identifies LLM calls") as refusal:
            answers.spans(SpanQuery(llm=True))
        assert "INDEXER_PROMOTED_ATTRIBUTES" in refusal.value.advice


def test_an_answer_from_too_many_files_is_refused_with_a_window_that_does(tmp_path: Path) -> None:
    """The window of the hint is the first part of the same list."""
    with indexed(tmp_path) as one:
        for number in range(1, 6):
            write(one.root / f"{number}.parquet", spans(2, trace=number))
        one.settle()
        answers = one.answers(limits=AnswerLimits(files=3))
        with pytest.raises(QueryTooLarge, match="needs 5 files, limit 3") as refusal:
            answers.spans(SpanQuery(limit=10))
        since, until = (
            int(refusal.value.advice.partition(f"{name}=")[2].split()[0])
            for name in ("since", "until")
        )
        narrow = SpanQuery(limit=10, since_unix_nano=since, until_unix_nano=until)
        found = answers.spans(narrow)
        assert (len(found.spans), found.cost.files_read) == (6, 3)


def test_an_answer_with_too_much_payload_is_refused_with_a_smaller_one(tmp_path: Path) -> None:
    """Counted as it is read: the index does not know how long texts are."""
    long = json.dumps({"text": "x" * 1_000})
    with indexed(tmp_path) as one:
        for number in range(4):
            write(
                one.root / f"{number}.parquet",
                [Span(trace=9 * number + at, start=T0 - number, attributes=long) for at in (1, 2)],
            )
        one.settle()
        answers = one.answers(limits=AnswerLimits(payload_bytes=5_000))
        with pytest.raises(QueryTooLarge, match="bytes of payload") as refusal:
            answers.spans(SpanQuery(limit=8))
        fewer = int(refusal.value.advice.partition("ask for ")[2].split()[0])
        assert len(answers.spans(SpanQuery(limit=fewer)).spans) == fewer == 4
        assert len(answers.spans(SpanQuery(limit=8), payload=False).spans) == 8


def test_answers_share_one_budget_and_give_it_back(tmp_path: Path) -> None:
    """What others hold is not there for one; a small one has room where a large one has none."""
    long = json.dumps({"text": "x" * (1 << 20)})
    with indexed(tmp_path) as one:
        write(one.root / "large.parquet", [Span(trace=1, span=n, attributes=long) for n in (1, 2)])
        write(one.root / "small.parquet", [Span(trace=2, span=1, attributes="{}")])
        one.settle()
        budget = ByteBudget(4 << 20, busy=QueriesBusy)
        answers = one.answers(budget=budget)
        with budget.reservation() as others:
            others.grow(3 << 20)
            with pytest.raises(QueriesBusy):
                answers.trace("0" * 31 + "1")
            assert len(answers.trace("0" * 31 + "2").spans) == 1
        assert len(answers.trace("0" * 31 + "1").spans) == 2
        assert budget.held_bytes == 0
