"""A search by payload equals brute force over the spans of all tiers, whatever it may cost a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from indexer.hot.view import DecodedRows, HotView
from indexer.index.audit_summaries import check_summaries
from indexer.query.answer import SpansAnswer
from indexer.query.answers import Answers
from indexer.query.find.absences import Absences
from indexer.query.find.condition_tree import (
    AllOf,
    AnyOf,
    Condition,
    IsRoot,
    NotMet,
    ServiceIs,
)
from indexer.query.find.cursor import page_after
from indexer.query.find.payload_conditions import AttributeCondition, TextCondition
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import SpanQuery
from indexer.query.limits import AnswerLimits
from indexer.query.tiers import indexed_search, payload_search
from indexer.query.window import Window
from indexer.spans.key_summary import FileKeySummary
from indexer.system.storage import LocalStorage
from tests.support.catalogs import Indexed, indexed
from tests.support.examples import examples
from tests.support.span_files import Span, table, write
from tests.support.tiers import Published, stored_once

pytestmark = pytest.mark.duckdb

ATTRIBUTES: dict[str, tuple[Any, ...]] = {
    "{}": (),
    '{"k":500}': (500,),
    '{"k":"500"}': ("500",),
    '{"k":5e2,"other":"a"}': (500.0,),
    '{"k":9007199254740993}': (9007199254740993,),
    '{"k":true}': (True,),
    '{"k":null}': (),
    '{"k":[1,"a"]}': (1, "a"),
    '{"k":"Grüße"}': ("Grüße",),
    '{"k":"Gr\\u00fc\\u00dfe"}': ("Grüße",),
    '{"\\u006b":3}': (3,),
    '{"j":"k","k":NaN}': ("NaN",),
    '{"k":1,"k":2}': (2,),
    '{ "k" : "a\\/b" }': ("a/b",),
    '{"k":"\\ud83d\\ude00"}': ("\U0001f600",),
    '{"j":{"k":500},"k":"a"}': ("a",),
    '[{"key":"k","value":{"bytesValue":"YQ=="}}]': ("61",),
    "k no JSON": (),
}
"""What stands under ``k``, said by hand."""
TEXTS = {
    '{"k":500}': ("500",),
    '{"k":"500"}': ("500",),
    '{"k":5e2,"other":"a"}': ("a",),
    '{"k":9007199254740993}': ("9007199254740993",),
    '{"k":[1,"a"]}': ("1", "a"),
    '{"k":"Grüße"}': ("Grüße",),
    '{"k":"Gr\\u00fc\\u00dfe"}': ("Grüße",),
    '{"\\u006b":3}': ("3",),
    '{"j":"k","k":NaN}': ("k", "NaN"),
    '{"k":1,"k":2}': ("2",),
    '{ "k" : "a\\/b" }': ("a/b",),
    '{"k":"\\ud83d\\ude00"}': ("\U0001f600",),
    '{"j":{"k":500},"k":"a"}': ("500", "a"),
    '[{"key":"k","value":{"bytesValue":"YQ=="}}]': ("61",),
    "k no JSON": ("k no JSON",),
}
EVENTS: dict[str, tuple[tuple[Any, ...], tuple[str, ...]]] = {
    "[]": ((), ()),
    '[{"name":"GRÜSSE","attributes":{"k":"a\\nB"}},{"name":"","attributes":{"k":7}}]': (
        ("a\nB", 7),
        ("GRÜSSE", "a\nB", "7"),
    ),
    '[{"name":"x","attributes":"{\\"k\\": 500}"}]': ((500,), ("x", "500")),
}
"""The same of events, and their texts."""
RESOURCES = {"{}": (), '{"k":"a"}': ("a",)}
TIERS = ("a.parquet", "b.parquet", "c.parquet", "d.parquet", "recent.parquet", "hot", "published")

MADE = st.tuples(
    st.sampled_from(TIERS),
    st.integers(1, 4),  # trace
    st.integers(0, 6),  # start
    st.sampled_from(("shop", "cart")),
    st.booleans(),  # root
    st.sampled_from(("GET /", "grüße")),
    st.integers(0, 2),  # status
    st.sampled_from((1, 2)),  # duration
    st.sampled_from(tuple(ATTRIBUTES)),
    st.sampled_from(tuple(EVENTS)),
    st.sampled_from(tuple(RESOURCES)),
)
VALUES = st.sampled_from(
    (500, 500.0, 9007199254740992.0, 2, True, "500", "a", "a/b", "Grüße", "\U0001f600", "NaN", "61")
)
TEXT_VALUES = st.sampled_from(("", "a", "ß", "5", "6", "/", "\n"))
OWNERS = st.sampled_from(("span", "span", "event", "resource"))
LEAVES = st.one_of(
    st.builds(AttributeCondition, owner=OWNERS, key=st.just("k")),
    st.builds(
        AttributeCondition,
        owner=OWNERS,
        key=st.just("k"),
        operator=st.sampled_from(("=", "!=")),
        value=VALUES,
    ),
    st.builds(
        AttributeCondition,
        owner=OWNERS,
        key=st.just("k"),
        operator=st.sampled_from(("<", "<=", ">", ">=")),
        value=VALUES.filter(lambda value: value is not True),
    ),
    st.builds(
        AttributeCondition,
        owner=OWNERS,
        key=st.just("k"),
        operator=st.just("contains"),
        value=TEXT_VALUES,
    ),
    st.builds(
        AttributeCondition,
        owner=OWNERS,
        key=st.just("k"),
        operator=st.just("matches"),
        value=st.sampled_from(("^5", "ß", "[aB]$", "")),
    ),
    st.builds(TextCondition, text=st.sampled_from(("grü", "50", "get /", "A", "x", "\n"))),
    st.builds(SpanConditions, status_code=st.integers(0, 2)),
    st.builds(ServiceIs, st.just("shop")),
    st.just(IsRoot()),
    st.builds(Window, since_unix_nano=st.integers(0, 6)),
)
TREES = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        st.builds(NotMet, part),
        st.builds(AllOf, st.lists(part, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(part, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
QUERIES = st.builds(
    SpanQuery,
    service=st.none() | st.just("shop"),
    slowest=st.booleans(),
    where=TREES,
    since_unix_nano=st.none() | st.integers(0, 6),
    until_unix_nano=st.none() | st.integers(0, 6),
    limit=st.integers(1, 7),
)


@dataclass
class Corpus:
    """Spans by the tier that they are in; some are hot and in a file."""

    one: Indexed
    by_tier: dict[str, list[Span]]

    def answers(self, **options: Any) -> Answers:
        recent = self.one.root / "recent.parquet"
        view = HotView(
            rows=DecodedRows(table(self.by_tier["hot"])),
            as_of_unix_nano=1,
            recent_files=(str(recent),) if recent.exists() else (),
            source="incremental",
            bounded=False,
        )
        published = Published(self.by_tier["published"])
        return self.one.answers(hot=lambda: view, published=published, **options)

    def learn(self, learnt: Sequence[FileKeySummary], *, forget: bool) -> None:
        """Keep it, or nothing of all that was ever learnt; what is kept is true."""
        register, connection = self.one.pipeline.register, self.one.catalog.connection
        register.record_key_summaries(learnt, 0 if forget else 1 << 20)
        infos = [file.info_at(str(self.one.root / path)) for path, file in register.files.items()]
        assert not list(check_summaries(connection, LocalStorage(self.one.root), infos))

    def expected(self, query: SpanQuery) -> list[tuple[str, str, int]]:
        """The whole list, by brute force; the published copy of a span, which is last, counts."""
        every = {one.span: one for some in self.by_tier.values() for one in some}.values()
        found = [one for one in every if in_list(one, query)]
        found.sort(key=lambda one: (-one.duration * query.slowest, -one.start, one.trace, one.span))
        return [(one.trace_id, one.span_id, one.kind) for one in found]


def in_list(span: Span, query: SpanQuery) -> bool:
    bounds = Window(since_unix_nano=query.since_unix_nano, until_unix_nano=query.until_unix_nano)
    assert query.where is not None
    return query.service in (None, span.service) and all(
        meets(span, one) for one in (bounds, query.where)
    )


def meets(span: Span, condition: Condition) -> bool:
    """What the words say, in plain Python."""
    match condition:
        case NotMet(part):
            return not meets(span, part)
        case AllOf(parts):
            return all(meets(span, part) for part in parts)
        case AnyOf(parts):
            return any(meets(span, part) for part in parts)
        case AttributeCondition():
            return has_value(span, condition)
        case TextCondition(text=text):
            texts = (span.name, *TEXTS.get(span.attributes, ()), *EVENTS[span.events][1])
            return any(text.lower() in one.lower() for one in texts)
    return is_so(span, condition)


def is_so(span: Span, condition: Condition) -> bool:
    match condition:
        case ServiceIs(service):
            return span.service == service
        case IsRoot():
            return span.parent is None
        case Window(since_unix_nano=since, until_unix_nano=until):
            return (since is None or span.start >= since) and (until is None or span.start < until)
        case SpanConditions(status_code=status):
            return status == span.status
    raise AssertionError(condition)


def has_value(span: Span, condition: AttributeCondition) -> bool:
    values = {
        "span": ATTRIBUTES[span.attributes],
        "event": EVENTS[span.events][0],
        "resource": RESOURCES[span.resource],
    }[condition.owner]
    wanted: Any = condition.value
    alike = [one for one in values if sort(one) == sort(wanted)]
    tests: dict[str, Callable[[], bool]] = {
        "exists": lambda: bool(values),
        "=": lambda: wanted in alike,
        "!=": lambda: bool(values) and wanted not in alike,
        "<": lambda: any(one < wanted for one in alike),
        "<=": lambda: any(one <= wanted for one in alike),
        ">": lambda: any(one > wanted for one in alike),
        ">=": lambda: any(one >= wanted for one in alike),
        "contains": lambda: any(wanted in one for one in alike),
        "matches": lambda: any(re.search(wanted, one) for one in alike),
    }
    return tests[condition.operator]()


def sort(value: Any) -> type:
    return float if type(value) is int else type(value)


@contextmanager
def corpus(
    folder: Path, made: Sequence[tuple[Any, ...]], keys: Sequence[str] = ()
) -> Iterator[Corpus]:
    by_tier: dict[str, list[Span]] = {tier: [] for tier in TIERS}
    for number, (tier, trace, start, service, root, name, status, duration, *more) in enumerate(
        made, 1
    ):
        attributes, events, resource = more
        span = Span(
            trace=trace,
            span=number,
            parent=None if root else 99,
            start=start,
            service=service,
            name=name,
            status=status,
            duration=duration,
            attributes=attributes,
            events=events,
            resource=resource,
        )
        by_tier[tier].append(span)
        if number % 4 == 0:  # flushed, and still in the hot tier
            by_tier["hot"].append(span)
        if number % 3 == 0:  # sent both ways, and not alike
            other = replace(span, start=start + 1, status=2 - status, attributes='{"k":500}')
            by_tier["published"].append(other)
    by_tier["published"] = stored_once(by_tier["published"])
    with indexed(folder, keys=keys) as one:
        for tier in TIERS[:4]:
            if by_tier[tier]:
                write(one.root / tier, by_tier[tier])
        one.settle()
        one.pipeline.scan_checks.finish()
        if by_tier["recent.parquet"]:
            write(one.root / "recent.parquet", by_tier["recent.parquet"])
        yield Corpus(one, by_tier)


def pages(answers: Answers, query: SpanQuery) -> Iterator[SpansAnswer]:
    """Every page, one after the other."""
    page = query
    while True:
        answer = answers.spans(page, payload=False)
        yield answer
        if answer.next_cursor is None:
            return
        page = page_after(query, answer.next_cursor)


@examples(4, suppress_health_check=[HealthCheck.too_slow])
@given(
    made=st.lists(MADE, max_size=24),
    queries=st.lists(QUERIES, min_size=1, max_size=8),
    files=st.sampled_from((1, 1, 2, 100)),
    parts=st.sampled_from((0, 4, 10**6)),
    held=st.sampled_from((0, 1 << 20)),
    forgets=st.lists(st.booleans(), min_size=8, max_size=8),
    keys=st.sampled_from(((), ("k",))),
)
def test_pages_of_any_cost_join_up_to_a_full_scan_of_all_tiers(
    made: list[tuple[Any, ...]],
    queries: list[SpanQuery],
    files: int,
    parts: int,
    held: int,
    forgets: list[bool],
    keys: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Each span once and in order, whichever tier has it; what was learnt or dropped denies none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexed_search, "FILES_AT_ONCE", (1, 2))
        patch.setattr(payload_search, "FEW_PARTS", parts)
        patch.setattr(payload_search, "HELD_BYTES_MAX", held)
        patch.setattr(payload_search, "DECIDED_AT_FIRST", 2)
        patch.setattr(indexed_search, "SUMMARIES_AT_ONCE", 2)
        with corpus(tmp_path_factory.mktemp("search"), made, keys) as one:
            for query, forget in zip(queries, forgets, strict=False):
                learnt: list[FileKeySummary] = []
                answers = one.answers(
                    limits=AnswerLimits(search_files=files), absences=Absences(keep=learnt.append)
                )
                found = list(pages(answers, query))
                assert all(len(answer.spans) <= query.limit for answer in found)
                assert [span.identity for answer in found for span in answer.spans] == (
                    one.expected(query)
                )
                assert all(answer.completeness.is_complete for answer in found)
                one.learn(learnt, forget=forget)


def test_a_page_that_has_cost_what_it_may_says_how_far_it_looked(tmp_path: Path) -> None:
    """It may be empty; its cursor goes on."""
    with indexed(tmp_path) as one:
        for number in range(1, 5):
            attributes = '{"k":1}' if number == 1 else "{}"
            span = Span(trace=number, start=number, attributes=attributes)
            write(one.root / f"{number}.parquet", [span])
        one.settle()
        query = SpanQuery(where=AttributeCondition(key="k"))
        answers = one.answers(limits=AnswerLimits(search_files=2))
        first, second = pages(answers, query)
        assert (len(first.spans), first.cost.files_read, first.cost.files_left) == (0, 2, 2)
        assert (len(second.spans), second.cost.files_left) == (1, 0)
        assert first.cost.bytes_read > 0


def test_a_file_without_the_key_or_the_value_is_opened_by_the_first_search_alone(
    tmp_path: Path,
) -> None:
    """Whatever the next one asks of the key; what is there is still found."""
    with indexed(tmp_path) as one:
        for number, text in enumerate(('{"k":"a"}', '{"k":"b"}', '{"j":"a"}', "{}"), 1):
            span = Span(trace=number, start=number, attributes=text)
            write(one.root / f"{number}.parquet", [span])
        one.settle()
        answers = one.answers()

        def asked(**words: Any) -> tuple[int, int]:
            query = SpanQuery(where=AttributeCondition(key="k", **words))
            answer = answers.spans(query, payload=False)
            return len(answer.spans), answer.cost.files_read

        assert asked(operator="=", value="a") == (1, 4)
        assert asked(operator="=", value="a") == (1, 1)
        assert asked(operator="!=", value="a") == (1, 2)
        assert asked() == (2, 2)


def test_what_cannot_be_read_is_missing(tmp_path: Path) -> None:
    """The other files answer."""
    with indexed(tmp_path) as one:
        for number in (1, 2):
            write(one.root / f"{number}.parquet", [Span(trace=number, attributes='{"k":1}')])
        one.settle()
        (one.root / "1.parquet").unlink()
        answer = one.answers().spans(SpanQuery(where=AttributeCondition(key="k")), payload=False)
        assert [span.trace_id for span in answer.spans] == [f"{2:032x}"]
        assert [one.reason.code for one in answer.completeness.missing] == ["FileVanished"]


def test_files_that_cannot_hold_an_earlier_span_stay_closed(tmp_path: Path) -> None:
    """A full page of the newest file is the answer."""
    with indexed(tmp_path) as one:
        for number in range(1, 5):
            span = Span(trace=number, start=number, attributes='{"k":1}')
            write(one.root / f"{number}.parquet", [span, replace(span, span=2)])
        one.settle()
        query = SpanQuery(where=AttributeCondition(key="k"), limit=1)
        assert one.answers().spans(query, payload=False).cost.files_read == 1
