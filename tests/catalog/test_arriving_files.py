"""A trace is answered from a file before its commit, as it is after it, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

from indexer.catalog import arriving_files
from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.files import FileRegister
from indexer.index import outcomes
from indexer.index.outcomes import Outcomes
from indexer.query.answer import SpansAnswer
from indexer.read.group import GroupRead
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, write

pytestmark = pytest.mark.duckdb
TRACE = f"{2:032x}"

Look = Callable[[], None]
When = Callable[[pytest.MonkeyPatch, Indexed, Look], None]


def before_the_transaction(patch: pytest.MonkeyPatch, one: Indexed, look: Look) -> None:
    """Somebody looks while the rows are made."""
    apply = FileRegister.apply

    def looked(register: FileRegister, update: CatalogUpdate) -> None:
        look()
        apply(register, update)

    patch.setattr(FileRegister, "apply", looked)


def at_the_commit(patch: pytest.MonkeyPatch, one: Indexed, look: Look) -> None:
    """Somebody looks when the state that a reader sees is not known."""
    committing = one.catalog.commits.committing

    @contextmanager
    def looked(*args: object, **options: object) -> object:
        with committing(*args, **options):
            look()
            yield

    patch.setattr(one.catalog.commits, "committing", looked)


def trace(one: Indexed) -> SpansAnswer:
    return one.answers(
        outstanding=one.pipeline.outstanding, directory=lambda: one.pipeline.register.directory
    ).trace(TRACE)


def shown(answer: SpansAnswer) -> list[tuple[object, ...]]:
    return [(*span[:9], span.source.path, span.row, span.payload) for span in answer.spans]


@pytest.mark.parametrize("when", [before_the_transaction, at_the_commit])
def test_a_trace_is_answered_before_the_commit_as_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: When
) -> None:
    """With what another file has of it already; and the answer is complete."""
    found: list[SpansAnswer] = []
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=1), Span(trace=2, span=7)])
        one.settle()
        when(monkeypatch, one, lambda: found.append(trace(one)))
        path = write(
            one.root / "b.parquet", [Span(trace=2, attributes='{"a": 1}'), Span(trace=2, span=7)]
        )
        one.settle()
        after = trace(one)
    assert [span.span_id for span in after.spans] == [f"{1:016x}", f"{7:016x}"]
    assert shown(found[0]) == shown(after)
    assert found[0].completeness.is_complete
    assert found[0].completeness.recent_files == (str(path),)
    assert after.completeness.is_complete
    assert after.completeness.recent_files == ()


def test_a_file_that_was_seen_otherwise_meanwhile_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[SpansAnswer] = []
    settle = Outcomes.settle
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Span(trace=2), Span(trace=2, span=3)])

        def settle_later(indexing: Outcomes, read: GroupRead) -> None:
            if not found:
                write(path, [Span(trace=2, span=5)])
                one.pipeline.look([str(path)])
            settle(indexing, read)

        monkeypatch.setattr(Outcomes, "settle", settle_later)
        before_the_transaction(monkeypatch, one, lambda: found.append(trace(one)))
        one.settle()
    assert found[0].spans == []
    assert not found[0].completeness.is_complete


def test_a_file_whose_copies_will_count_waits_for_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its path is smaller than that of a file with the same trace."""
    arriving: list[list[str]] = []
    with indexed(tmp_path) as one:
        write(one.root / "b.parquet", [Span(trace=2)])
        one.settle()
        commits = one.catalog.commits
        at_the_commit(monkeypatch, one, lambda: arriving.append(sorted(commits.arriving)))
        write(one.root / "a.parquet", [Span(trace=2, name="another")])
        one.settle()
        write(one.root / "a2.parquet", [Span(trace=3)])
        one.settle()
    assert arriving == [[], ["a2.parquet"]]


def test_files_that_are_in_the_index_are_not_among_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither replaced ones nor any after a commit, or after one that failed."""
    arriving: list[list[str]] = []
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Span(trace=2)])
        one.settle()
        commits = one.catalog.commits
        assert not commits.arriving
        before_the_transaction(monkeypatch, one, lambda: arriving.append(sorted(commits.arriving)))
        write(path, [Span(trace=2, span=9)])
        one.settle()
        assert arriving == [[]]

        def fail(_: FileRegister, __: CatalogUpdate) -> None:
            arriving.append(sorted(commits.arriving))
            raise KeyboardInterrupt

        monkeypatch.setattr(FileRegister, "apply", fail)
        write(one.root / "b.parquet", [Span(trace=3)])
        with pytest.raises(KeyboardInterrupt):
            one.settle()
        assert arriving[-1] == ["b.parquet"]
        assert not commits.arriving


def test_a_backlog_is_indexed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving_files, "FILES_MAX", 1)
    arriving: list[list[str]] = []
    with indexed(tmp_path) as one:
        commits = one.catalog.commits
        before_the_transaction(monkeypatch, one, lambda: arriving.append(sorted(commits.arriving)))
        write(one.root / "a.parquet", [Span(trace=2)])
        write(one.root / "b.parquet", [Span(trace=3)])
        one.settle()
    assert arriving == [[]]


def test_a_lone_file_gives_way_to_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no file does where another waits, or nobody asks."""
    paused: list[int] = []
    with indexed(tmp_path, batch_files=1) as one:
        monkeypatch.setattr(
            outcomes.time, "sleep", lambda _: paused.append(len(one.pipeline.register.files))
        )
        write(one.root / "a.parquet", [Span(trace=1)])
        one.settle()
        assert paused == []
        one.pipeline._outcomes._idle_s = lambda: 0.0
        write(one.root / "b.parquet", [Span(trace=2)])
        write(one.root / "c.parquet", [Span(trace=3)])
        one.settle()
    assert paused == [2]
