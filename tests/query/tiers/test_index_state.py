"""What is kept of the index is of one state of it, and gone with the commit that changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.catalog.commits import Commits
from indexer.query.answer import SpansAnswer
from indexer.query.answers import Answers
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_rows import TraceRows
from indexer.query.tiers.index_state import PAGE_SPANS_MAX, IndexMemory, IndexState
from indexer.query.tiers.kept_files import ASKS_BEFORE_ROWS
from indexer.query.tiers.tier import Candidates
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, spans, write

pytestmark = pytest.mark.duckdb

LIST = SpanQuery(service="service-0")


def counted(one: Indexed, statements: list[str]) -> Answers:
    """Answers whose statements are noted."""

    class Noting:
        def __init__(self) -> None:
            self._cursor = one.catalog.cursor()

        def execute(self, sql: str, *rest: object) -> object:
            statements.append(sql)
            return self._cursor.execute(sql, *rest)

        def __getattr__(self, name: str) -> object:
            return getattr(self._cursor, name)

    return one.answers(cursor=Noting, directory=lambda: one.pipeline.register.directory)


def ids(answer: SpansAnswer) -> list[str]:
    return [span.span_id for span in answer.spans]


def test_a_list_that_is_asked_again_asks_the_index_nothing(tmp_path: Path) -> None:
    statements: list[str] = []
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(span=1), Span(span=2)])
        one.settle()
        answers = counted(one, statements)
        first = answers.spans(SpanQuery())
        statements.clear()
        assert ids(answers.spans(SpanQuery())) == ids(first)
        assert statements == []


def test_nothing_is_asked_of_a_file_that_came_last(tmp_path: Path) -> None:
    """Neither for a trace of it nor for a list: its rows were in memory when it came."""
    statements: list[str] = []
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=1)])
        one.settle()
        answers = counted(one, statements)
        answers.trace(f"{1:032x}")  # counts refused files, which no file of spans changes
        write(one.root / "b.parquet", [Span(trace=2), Span(trace=2, span=2)])
        one.settle()
        statements.clear()
        found = answers.trace(f"{2:032x}")
        assert [span.span_id for span in found.spans] == [f"{1:016x}", f"{2:016x}"]
        assert statements == []
        by_statement = one.answers(memory=None).trace(f"{2:032x}")
        assert found == replace(by_statement, cost=found.cost)


def test_a_file_that_is_refused_is_counted_in_the_next_answer(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=1)])
        one.settle()
        answers = one.answers()
        assert answers.trace(f"{1:032x}").completeness.files_quarantined == 0
        (one.root / "b.parquet").write_bytes(b"not Parquet")
        one.settle()
        assert answers.trace(f"{1:032x}").completeness.files_quarantined == 1


def test_a_trace_in_a_known_file_takes_one_statement(tmp_path: Path) -> None:
    statements: list[str] = []
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=1), Span(trace=2)])
        one.settle()
        one.catalog.commits.recent = {}
        answers = counted(one, statements)
        answers.trace(f"{1:032x}")
        statements.clear()
        assert len(answers.trace(f"{2:032x}").spans) == 1
        assert len(statements) == 1


def test_a_file_that_is_asked_for_trace_after_trace_is_asked_by_no_statement(
    tmp_path: Path,
) -> None:
    statements: list[str] = []
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=trace) for trace in range(1, 9)])
        one.settle()
        one.catalog.commits.recent = {}
        answers = counted(one, statements)
        for trace in range(1, ASKS_BEFORE_ROWS + 1):
            answers.trace(f"{trace:032x}")
        statements.clear()
        found = answers.trace(f"{8:032x}")
        assert [span.trace_id for span in found.spans] == [f"{8:032x}"]
        assert statements == []


def test_rows_of_a_file_outlive_commits_that_leave_it_as_it_is(tmp_path: Path) -> None:
    """While files come every second, each commit would have all rows read anew."""
    statements: list[str] = []
    with indexed(tmp_path) as one:
        write(one.root / "b.parquet", [Span(trace=trace) for trace in range(1, 9)])
        one.settle()
        one.catalog.commits.recent = {}
        answers = counted(one, statements)
        for trace in range(1, ASKS_BEFORE_ROWS + 1):
            answers.trace(f"{trace:032x}")
        write(one.root / "c.parquet", [Span(trace=9)])
        one.settle()
        statements.clear()
        assert len(answers.trace(f"{8:032x}").spans) == 1
        assert statements == []
        write(one.root / "a.parquet", [Span(trace=8), Span(trace=8, span=2)])  # takes one over
        one.settle()
        found = answers.trace(f"{8:032x}").spans
        assert [Path(str(span.source.path)).name for span in found] == ["a.parquet"] * 2
        (one.root / "a.parquet").unlink()
        one.settle()
        found = answers.trace(f"{8:032x}").spans
        assert [Path(str(span.source.path)).name for span in found] == ["b.parquet"]


def test_lists_are_found_without_a_statement_once_a_file_was_asked_often(tmp_path: Path) -> None:
    """Each is another list, so that no page of it is known."""
    statements: list[str] = []
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(9))
        one.settle()
        one.catalog.commits.recent = {}
        answers = counted(one, statements)
        for limit in range(1, 6):
            statements.clear()
            longest = SpanConditions(max_duration_ns=10**12 + limit)
            found = answers.spans(SpanQuery(limit=limit, conditions=longest), payload=False)
            assert ids(found) == [f"{span:016x}" for span in range(9, 9 - limit, -1)]
        assert statements == []


def test_the_next_commit_is_in_the_next_answer(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(span=1)])
        one.settle()
        answers = one.answers()
        assert ids(answers.spans(SpanQuery())) == [f"{1:016x}"]
        write(one.root / "b.parquet", [Span(span=2, start=9)])
        one.settle()
        assert sorted(ids(answers.spans(SpanQuery()))) == [f"{1:016x}", f"{2:016x}"]
        write(one.root / "a.parquet", [Span(span=3, attributes='{"longer": true}')])
        one.settle()
        assert sorted(ids(answers.spans(SpanQuery()))) == [f"{2:016x}", f"{3:016x}"]


def test_what_was_seen_of_a_file_for_sql_leaves_what_is_kept(tmp_path: Path) -> None:
    """A file is looked at when nothing else is to be done, and that changes no answer."""
    statements: list[str] = []
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(span=1)])
        one.settle()
        answers = counted(one, statements)
        answers.spans(SpanQuery())
        one.pipeline.scan_checks.finish()
        assert one.rows("SELECT count(*) FROM file_scans") == [(1,)]
        statements.clear()
        assert ids(answers.spans(SpanQuery())) == [f"{1:016x}"]
        assert statements == []


@pytest.mark.parametrize("fails", [False, True], ids=["found", "failed"])
def test_an_answer_that_a_commit_overtakes_is_found_again(tmp_path: Path, fails: bool) -> None:
    """Whatever was found meanwhile, in the end it is all of one state."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(span=1)])
        one.settle()
        begun: list[int] = []

        def cursor() -> object:
            begun.append(1)
            if len(begun) > 1:
                return one.catalog.cursor()
            with one.catalog.commits.committing():
                pass
            return _Broken(one) if fails else one.catalog.cursor()

        found = one.answers(cursor=cursor).trace(f"{1:032x}")
        assert len(found.spans) == 1
        assert len(begun) == 2


class _Broken:
    """A cursor whose statements fail, as one over files that are gone meanwhile."""

    def __init__(self, one: Indexed) -> None:
        self._cursor = one.catalog.cursor()

    def execute(self, sql: str) -> object:
        if "indexed_spans" in sql:
            raise KeyError("a file that is gone")
        return self._cursor.execute(sql)

    def __getattr__(self, name: str) -> object:
        return getattr(self._cursor, name)


def state_of(commits: Commits) -> IndexState:
    state = IndexMemory(lambda: commits).state()
    assert state is not None
    return state


@pytest.mark.parametrize(
    "keep",
    [
        lambda state: state.keep_quarantined((1, 0)),
        lambda state: state.keep_page((LIST, ()), Candidates()),
    ],
)
def test_what_was_read_beside_a_commit_is_not_kept(keep: Callable[[IndexState], None]) -> None:
    commits = Commits()
    state = state_of(commits)
    with commits.committing():
        keep(state)
    keep(state)
    assert state.quarantined is None
    assert state.page((LIST, ())) is None


def test_a_search_asks_what_it_knows_of_the_state_that_its_transaction_began_in(
    tmp_path: Path,
) -> None:
    """Which files there are and where they lie; and nothing of it once a commit came."""
    statements: list[str] = []
    condition = AttributeCondition(key="a", operator="=", value=1)
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(span=1, attributes='{"a": 1}')])
        one.settle()
        answers = counted(one, statements)
        asked = []
        one.catalog.commits.recent = {}
        for _ in range(2):
            statements.clear()
            assert ids(answers.spans(SpanQuery(where=condition))) == [f"{1:016x}"]
            asked.append([any(table in sql for sql in statements) for table in TABLES])
        assert asked == [[True, True], [False, False]]
        write(one.root / "b.parquet", [Span(span=2, attributes='{"a": 1}')])
        one.settle()
        assert sorted(ids(answers.spans(SpanQuery(where=condition)))) == [
            f"{1:016x}",
            f"{2:016x}",
        ]


TABLES = ("FROM file_services", "SELECT file_id, file_path")


def test_what_is_known_of_files_is_not_given_to_a_transaction_that_a_commit_overtook(
    tmp_path: Path,
) -> None:
    """They may be others by now."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(span=1)])
        one.settle()
        answers = one.answers()
        (span,) = answers.spans(SpanQuery()).spans
        assert answers.memory is not None
        state = answers.memory.state()
        assert state is not None
        state.kept.keep_rows(1, TraceRows.read(one.catalog.cursor(), 1), lambda: True)
        assert state.recent_files([1]).keys() == {1}
        assert state.files([1]) == {1: span.source}
        assert state.newest_rows(1) is not None
        with one.catalog.commits.committing():
            pass
        assert state.files([1]) == {}
        assert state.recent_files([1]) == {}
        assert state.newest_rows(1) is None


def test_there_is_no_state_during_a_commit_and_a_new_one_after_it() -> None:
    commits = Commits()
    memory = IndexMemory(lambda: commits)
    before = memory.state()
    assert memory.state() is before
    with commits.committing():
        assert memory.state() is None
    assert memory.state() not in (None, before)


def test_who_was_overtaken_by_a_commit_gets_no_state_and_takes_none_away() -> None:
    """He has looked at the number, and others have the next state already."""

    class Late(Commits):
        late: int | None = None

        @property
        def number(self) -> int | None:
            return super().number if self.late is None else self.late

    commits = Late()
    memory = IndexMemory(lambda: commits)
    with commits.committing(()):
        pass
    present = memory.state()
    commits.late = 0
    assert memory.state() is None
    commits.late = None
    assert memory.state() is present


def test_another_catalog_has_another_state() -> None:
    """Both have had as many commits."""
    opened = [Commits()]
    memory = IndexMemory(lambda: opened[-1])
    before = memory.state()
    opened.append(Commits())
    assert memory.state() is not before


def test_pages_that_were_not_asked_for_for_longest_go_first(tmp_path: Path) -> None:
    state = state_of(Commits())
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(20))
        one.settle()
        (first, *_) = one.answers().spans(SpanQuery()).spans
    page = Candidates(spans=[first] * (PAGE_SPANS_MAX // 3))
    keys = [(SpanQuery(limit=limit), ()) for limit in range(1, 5)]
    for key in keys[:2]:
        state.keep_page(key, page)
    assert state.page(keys[0]) is not None
    state.keep_page(keys[2], page)
    assert [state.page(key) is not None for key in keys] == [True, False, True, False]
    state.keep_page(keys[3], Candidates(spans=[first] * PAGE_SPANS_MAX))
    assert state.page(keys[3]) is None
