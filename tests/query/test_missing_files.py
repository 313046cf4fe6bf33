"""An answer says what the index has not followed yet, and passes for whole once it has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from indexer.model import Outstanding
from indexer.query.answers import Answers
from indexer.query.missing_files import beyond_index, missing_files
from indexer.system.storage import LocalStorage
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, rewrite_in_place, spans, write

pytestmark = pytest.mark.duckdb

NOTHING = Outstanding(files=0, lacking=frozenset())


def codes(outstanding: Outstanding | None, read: tuple[str, ...] = (), lost: int = 0) -> list[str]:
    found = missing_files(LocalStorage("/spans"), outstanding, read, lost)
    return [one.reason.code for one in found]


def test_where_nobody_watches_nothing_is_known_to_be_missing() -> None:
    assert codes(None) == codes(NOTHING) == []


def test_files_that_are_read_directly_are_not_missing() -> None:
    """Those of a hot tier are in the answer before they are in the index."""
    outstanding = Outstanding(files=2, lacking=frozenset({"a.parquet", "day/b.parquet"}))
    assert codes(outstanding) == ["FilesPending"]
    assert codes(outstanding, ("/spans/a.parquet",)) == ["FilesPending"]
    assert codes(outstanding, ("/spans/a.parquet", "/spans/day/b.parquet")) == []


def test_files_that_are_too_many_to_name_are_missing() -> None:
    assert codes(replace(NOTHING, lacking=None)) == ["FilesPending"]


def test_each_problem_of_the_storage_is_named() -> None:
    assert codes(replace(NOTHING, problems=("one", "two"))) == ["StorageUnavailable"] * 2


def test_files_that_were_indexed_and_are_refused_are_lost() -> None:
    assert codes(None, lost=1) == ["FilesLost"]


def watched(one: Indexed) -> Answers:
    """What a worker answers, which knows what it has not done yet."""
    return one.answers(outstanding=one.pipeline.outstanding)


def reasons(one: Indexed) -> list[str]:
    return [one.reason.code for one in watched(one).services().completeness.missing]


def test_an_answer_is_whole_once_the_storage_is_listed_and_indexed(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        assert reasons(one) == ["StorageUnavailable"]
        one.pipeline.sweep()
        assert reasons(one) == ["FilesPending"]
        one.settle()
        assert reasons(one) == []


def test_a_known_file_that_is_rewritten_is_lacking_until_it_is_whole_again(tmp_path: Path) -> None:
    """While it may grow, and when it is refused; a new file without a footer never had spans."""
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", spans(2))
        (one.root / "b.parquet").write_bytes(b"not yet")
        one.settle()
        assert reasons(one) == []
        path.write_bytes(b"half a file")
        one.pipeline.sweep()
        one.pipeline.drain(lambda: False)
        assert reasons(one) == ["FilesPending"]
        one.settle()
        assert reasons(one) == ["FilesLost"]
        write(path, spans(2))
        one.settle()
        assert reasons(one) == []


def test_a_lost_file_that_goes_is_missed_no_more(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", spans(2))
        one.settle()
        path.write_bytes(b"half a file")
        one.settle()
        path.unlink()
        one.settle()
        assert reasons(one) == []


def test_no_span_is_shown_with_the_payload_of_one_that_took_its_place(tmp_path: Path) -> None:
    """Neither before the change is noticed nor after it; size, time and inode are the same."""

    def shown(trace: int) -> tuple[list[object], list[str]]:
        answer = watched(one).trace(f"{trace:032x}")
        payloads = [span.payload and span.payload.attributes for span in answer.spans]
        return payloads, [one.reason.code for one in answer.completeness.missing]

    with indexed(tmp_path) as one:
        path = one.root / "a.parquet"
        write(path, [Span(trace=1, attributes='{"who":"one"}')], compression="none")
        one.settle()
        assert shown(1) == ([{"who": "one"}], [])
        rewrite_in_place(path, [Span(trace=2, attributes='{"who":"two"}')], compression="none")
        assert shown(1) == ([None], ["FileChanged"])
        one.pipeline.look([str(path)])
        assert shown(1)[1] == ["FileChanged", "FilesPending"]
        one.pipeline.wake()
        one.pipeline.drain(lambda: False)
        assert (shown(1), shown(2)) == (([], []), ([{"who": "two"}], []))


def test_a_sweep_finds_what_took_the_place_of_a_file(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Span(trace=1)])
        one.settle()
        rewrite_in_place(path, [Span(trace=2)])
        one.settle()
        assert [row[0] for row in one.spans()] == [f"{2:032x}"]


def test_a_change_of_permissions_reads_no_file_again(tmp_path: Path) -> None:
    """The footer says that it is the one that was indexed, to answers and to the sweep."""
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", [Span(attributes='{"who":"one"}')])
        one.settle()
        path.chmod(0o600)
        answer = watched(one).trace(f"{1:032x}")
        assert answer.completeness.is_complete
        assert [span.payload and span.payload.attributes for span in answer.spans] == [
            {"who": "one"}
        ]
        one.settle()
        assert one.pipeline.progress.files_registered == 1
        ((changed,),) = one.rows("SELECT changed_unix_nano FROM parquet_files")
        assert changed == path.stat().st_ctime_ns


def beyond(outstanding: Outstanding | None, hot_spans: int, *paths: str) -> list[tuple[str, int]]:
    found = beyond_index(LocalStorage("/spans"), outstanding, hot_spans, paths)
    return [(one.reason.code, one.files or 0) for one in found]


def test_the_index_alone_lacks_what_is_hot_and_files_that_nobody_has_counted_yet() -> None:
    outstanding = Outstanding(files=1, lacking=frozenset({"a.parquet"}))
    assert beyond(None, 0) == beyond(outstanding, 0, "/spans/a.parquet") == []
    assert beyond(outstanding, 2, "/spans/a.parquet", "/spans/b.parquet") == [
        ("HotNotRead", 0),
        ("FilesPending", 1),
    ]


def test_an_answer_of_the_index_alone_says_what_it_lacks(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        one.pipeline.sweep()
        said = watched(one).index_alone().completeness
        assert [one.reason.code for one in said.missing] == ["FilesPending"]
        one.settle()
        assert watched(one).index_alone().completeness.is_complete
