"""A search finds the spans that were written so, in files of every dialect, layout and encoding.

The second implementation is plain Python over the spans that the files are drawn with
(``tests/support/drawn``). Files of several dialects lie in one root.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.index.audit_summaries import check_summaries
from indexer.query.answers import Answers
from indexer.query.find.absences import Absences
from indexer.query.find.condition_tree import Condition, NotMet
from indexer.query.find.cursor import page_after
from indexer.query.find.payload_conditions import AttributeCondition, TextCondition
from indexer.query.find.span_query import SpanQuery
from indexer.spans.key_summary import FileKeySummary
from indexer.system.storage import LocalStorage
from tests.support.catalogs import Indexed, indexed
from tests.support.drawn.files import DIALECTS, DrawnFile, span_files
from tests.support.examples import examples

pytestmark = pytest.mark.duckdb

Span = dict[str, Any]
COLUMN_OF = {
    "span": "attributes",
    "resource": "resource_attributes",
    "scope": "scope_attributes",
    "event": "events",
}
SCALARS = (str, int, float, bool)
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
TEXT_CHARS_MAX, PATTERN_CHARS_MAX = 1_000, 20


def written(files: Sequence[DrawnFile]) -> list[Span]:
    """Each span once; its copy in the file with the smallest path is the one that counts."""
    found: dict[tuple[str, str, int], Span] = {}
    for file in sorted(files, key=lambda one: one.path):
        for span in file.spans:
            found.setdefault((span["trace_id"], span["span_id"], span["kind"]), span)
    return list(found.values())


def owners_of(span: Span, owner: str) -> list[Any]:
    """The objects whose members are the attributes of the span, or of each of its events."""
    value = span[COLUMN_OF[owner]]
    if owner != "event":
        return [value]
    return [
        one.get("attributes") if isinstance(one, dict) else None
        for one in (value if isinstance(value, list) else [value])
    ]


def under(span: Span, owner: str, key: str) -> list[Any]:
    """The values of an attribute; an array has several, and null is none."""
    found: list[Any] = []
    for held in owners_of(span, owner):
        value = held.get(key) if isinstance(held, dict) else None
        found += value if isinstance(value, list) and value else [] if value is None else [value]
    return found


def kind_of(value: Any) -> type:
    return float if type(value) is int else type(value)


def has(span: Span, condition: AttributeCondition) -> bool:
    values, operator = under(span, condition.owner, condition.key), condition.operator
    wanted: Any = condition.value
    alike = [one for one in values if isinstance(one, SCALARS) and kind_of(one) == kind_of(wanted)]
    if operator == "exists":
        return bool(values)
    if operator in ("=", "!="):
        return bool(values) and (wanted in alike) == (operator == "=")
    if operator == "contains":
        return any(wanted in one for one in alike)
    if operator == "matches":
        return any(re.search(wanted, one) for one in alike)
    return any(ORDERINGS[operator](one, wanted) for one in alike)


def texts_of(value: Any) -> Iterator[str]:
    """Texts and whole numbers inside a value."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts_of(one)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)


def has_text(span: Span, text: str) -> bool:
    texts = [span["name"], *texts_of(span["status_message"]), *texts_of(span["attributes"])]
    events = span["events"]
    for event in events if isinstance(events, list) else [events]:
        said = [event.get("name"), event.get("attributes")] if isinstance(event, dict) else event
        texts += texts_of(said)
    return any(re.search(re.escape(text), one, re.IGNORECASE) for one in texts)


def meets(span: Span, condition: Condition) -> bool:
    if isinstance(condition, NotMet):
        return not meets(span, condition.part)
    if isinstance(condition, TextCondition):
        return has_text(span, condition.text)
    assert isinstance(condition, AttributeCondition)
    return has(span, condition)


@st.composite
def conditions(draw: st.DrawFn, spans: Sequence[Span]) -> Condition:
    """About what one of the spans has, or about nothing of any."""
    span = draw(st.sampled_from(spans))
    if draw(st.integers(0, 4)) == 0:
        of_span = [one for name in ("name", "attributes", "events") for one in texts_of(span[name])]
        text = draw(st.sampled_from([*of_span, "none of it"])) or "a"
        return TextCondition(text=draw(_part_of(text, TEXT_CHARS_MAX)) or "a")
    owner = draw(st.sampled_from(["span", "span", "event", "resource", "scope"]))
    keys = [key for held in owners_of(span, owner) if isinstance(held, dict) for key in held]
    key = draw(st.sampled_from([*keys, "k"]))
    found = draw(_condition(owner, key, under(span, owner, key)))
    return NotMet(found) if draw(st.integers(0, 5)) == 0 else found


@st.composite
def _condition(draw: st.DrawFn, owner: Any, key: str, values: Sequence[Any]) -> AttributeCondition:
    known = [one for one in values if isinstance(one, SCALARS) and not _is_long(one)]
    value = draw(st.sampled_from([*known, *known, 1, "a", True, 0.5]))
    operators = ["exists", "=", "!="]
    operators += [] if isinstance(value, bool) else [*ORDERINGS]
    operators += ["contains", "matches"] * 2 if isinstance(value, str) else []
    operator: Any = draw(st.sampled_from(operators))
    if operator == "exists":
        return AttributeCondition(owner=owner, key=key)
    if operator == "contains":
        value = draw(_part_of(value, TEXT_CHARS_MAX))
    if operator == "matches":
        value = re.escape(draw(_part_of(value, PATTERN_CHARS_MAX)))
    return AttributeCondition(owner=owner, key=key, operator=operator, value=value)


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) > TEXT_CHARS_MAX


@st.composite
def _part_of(draw: st.DrawFn, text: str, chars_max: int) -> str:
    begin = draw(st.integers(0, len(text)))
    return text[begin : begin + draw(st.integers(0, chars_max))]


def found(answers: Answers, query: SpanQuery) -> list[tuple[str, str, int]]:
    """Every page, one after the other."""
    rows, page = [], query
    while True:
        answer = answers.spans(page, payload=False)
        assert answer.completeness.missing == ()
        rows += [(one.trace_id, one.span_id, one.span_kind) for one in answer.spans]
        if answer.next_cursor is None:
            return rows
        page = page_after(query, answer.next_cursor)


def expected(spans: Sequence[Span], query: SpanQuery) -> list[tuple[str, str, int]]:
    assert query.where is not None
    place = {
        (one["trace_id"], one["span_id"], one["kind"]): (
            -one["duration_ns"] * query.slowest,
            -one["start_time_unix_nano"],
        )
        for one in spans
        if meets(one, query.where)
    }
    return sorted(place, key=lambda one: (place[one], one))


def check(one: Indexed, spans: Sequence[Span], queries: Sequence[SpanQuery]) -> None:
    """Before anything is learnt of the files, while it is, and after that."""
    register, learnt = one.pipeline.register, list[FileKeySummary]()
    for _ in range(2):
        answers = one.answers(absences=Absences(keep=learnt.append))
        for query in queries:
            assert found(answers, query) == expected(spans, query)
        register.record_key_summaries(learnt, 1 << 20)
        infos = [file.info_at(str(one.root / path)) for path, file in register.files.items()]
        assert not list(check_summaries(one.catalog.connection, LocalStorage(one.root), infos))


def search(files: Sequence[DrawnFile], data: st.DataObject) -> None:
    spans = written(files)
    queries = data.draw(
        st.lists(
            st.builds(
                SpanQuery,
                where=conditions(spans),
                slowest=st.booleans(),
                limit=st.sampled_from([1, 3, 100]),
            ),
            min_size=6,
            max_size=12,
        )
    )
    keys = data.draw(st.sampled_from([(), ("k",), ("k", "http.route")]))
    with tempfile.TemporaryDirectory(prefix="searched-") as folder:
        for file in files:
            file.put(Path(folder) / "spans")
        with indexed(Path(folder), keys=keys) as one:
            one.settle()
            assert one.rows("SELECT file_path, error_message FROM quarantined_files") == []
            check(one, spans, queries)


@pytest.mark.parametrize("dialect", DIALECTS)
@examples(2)
@given(data=st.data())
def test_what_a_file_of_a_dialect_holds_is_found(dialect: str, data: st.DataObject) -> None:
    files = data.draw(st.tuples(span_files(dialect, "0/"), span_files(dialect, "1/")))
    search(files, data)


@examples(2)
@given(data=st.data())
def test_files_of_any_dialects_are_searched_together(data: st.DataObject) -> None:
    search(data.draw(st.tuples(*(span_files(folder=f"{number}/") for number in range(3)))), data)
