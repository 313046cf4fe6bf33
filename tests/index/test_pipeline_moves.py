"""Files that are renamed, moved, replaced and gone: no moment lacks spans without saying so.

A witness looks at the catalog after each transaction, as a reader would. The storage is that of
sixty services, one file each, so that a span that is missing is a service that is missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.index.pipeline import NOT_LISTED
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, write

pytestmark = pytest.mark.duckdb

FILES = 60
SERVICES = "SELECT service_name FROM services ORDER BY 1"
PLACES = "SELECT relative_path FROM parquet_files ORDER BY 1"


def fill(root: Path, count: int = FILES) -> list[Path]:
    """So many files of one span of a service of their own, all of one size."""
    return [
        write(root / f"f{number:02}.parquet", [Span(trace=number + 1, service=f"s{number:02}")])
        for number in range(count)
    ]


class Witness:
    """Sees the services after each transaction, and whether the index says that it lacks files."""

    def __init__(self, one: Indexed) -> None:
        self._one = one
        self.seen: list[tuple[int, bool]] = []
        register = one.pipeline.register
        apply = register.apply

        def applied(update: CatalogUpdate) -> None:
            apply(update)
            self.look()

        register.apply = applied  # type: ignore[method-assign]  # the witness stands behind it

    def look(self) -> None:
        outstanding = self._one.pipeline.outstanding()
        self.seen.append((len(self._one.rows(SERVICES)), bool(outstanding.lacking)))


def rename(path: Path, number: int) -> None:
    path.rename(path.with_name(f"r{number:02}.parquet"))


def move(path: Path, number: int) -> None:
    folder = path.parent / "deep" / str(number % 3)
    folder.mkdir(parents=True, exist_ok=True)
    path.rename(folder / path.name)


def copy_and_remove(path: Path, number: int) -> None:
    """Another inode and another time, as ``cp`` makes them."""
    target = path.with_name(f"c{number:02}.parquet")
    shutil.copyfile(path, target)
    os.utime(target, ns=(number, number))
    path.unlink()


@pytest.mark.parametrize("change", [rename, move, copy_and_remove], ids=lambda f: f.__name__)
@pytest.mark.parametrize("restarted", [False, True])
def test_files_that_move_without_events_are_never_missing(
    tmp_path: Path, change: Callable[[Path, int], None], restarted: bool
) -> None:
    """Each leaves its old place in the transaction in which it comes to its new one."""
    with indexed(tmp_path, batch_files=7) as one:
        paths = fill(one.root)
        one.settle()
        before = len(one.rows(PLACES))
        if not restarted:
            _move_all(one, paths, change)
    if restarted:
        with indexed(tmp_path, batch_files=7) as one:
            _move_all(one, paths, change)
    assert before == FILES


def _move_all(one: Indexed, paths: list[Path], change: Callable[[Path, int], None]) -> None:
    for number, path in enumerate(paths):
        change(path, number)
    witness = Witness(one)
    one.settle()
    assert {services for services, _ in witness.seen} == {FILES}
    assert len(witness.seen) > FILES / 7
    found = {place for (place,) in one.rows(PLACES)}
    assert found == {path.relative_to(one.root).as_posix() for path in one.root.rglob("*.parquet")}
    assert one.pipeline.outstanding().files == 0


def test_names_that_are_handed_on_are_said_to_be_lacking(tmp_path: Path) -> None:
    """As a rotation of logs does: each name has the file of its neighbour then."""
    with indexed(tmp_path, batch_files=7) as one:
        paths = fill(one.root)
        one.settle()
        paths[-1].rename(one.root / "spare")
        for lower, upper in zip(reversed(paths[:-1]), reversed(paths[1:]), strict=True):
            lower.rename(upper)
        (one.root / "spare").rename(paths[0])
        witness = Witness(one)
        one.settle()
        assert all(services == FILES or lacking for services, lacking in witness.seen)
        assert len(one.rows(SERVICES)) == FILES


def test_a_rename_that_both_events_tell_needs_no_listing(tmp_path: Path) -> None:
    """The file that is not there any more is the one that is there now: the same inode."""
    with indexed(tmp_path) as one:
        (path, *_) = fill(one.root, 2)
        one.settle()
        target = path.rename(one.root / "new.parquet")
        one.pipeline.look([str(path), str(target)])
        assert one.pipeline.outstanding().lacking == {"f00.parquet", "new.parquet"}
        assert not one.pipeline.sweep_wanted
        witness = Witness(one)
        one.pipeline.drain(lambda: False)
        assert {services for services, _ in witness.seen} == {2}
        assert one.rows(PLACES) == [("f01.parquet",), ("new.parquet",)]
        assert one.pipeline.outstanding().files == 0


def test_a_file_that_an_event_says_is_gone_leaves_with_the_next_listing(tmp_path: Path) -> None:
    """It may be under a name that no event has told yet; until then answers lack something."""
    with indexed(tmp_path) as one:
        (path, *_) = fill(one.root, 2)
        one.settle()
        path.unlink()
        one.pipeline.look([str(path)])
        one.pipeline.drain(lambda: False)
        assert len(one.rows(SERVICES)) == 2
        assert one.pipeline.outstanding().lacking == {"f00.parquet"}
        assert one.pipeline.sweep_wanted
        one.pipeline.sweep()
        assert one.rows(SERVICES) == [("s01",)]
        assert not one.pipeline.sweep_wanted
        assert one.pipeline.outstanding().files == 0


def test_a_file_that_moves_on_before_it_is_read_is_looked_for(tmp_path: Path) -> None:
    """Its spans stay in the index, which says that it does not know where they are."""
    with indexed(tmp_path) as one:
        (path, *_) = fill(one.root, 2)
        one.settle()
        second = path.rename(one.root / "second.parquet")
        one.pipeline.sweep()
        second.rename(one.root / "third.parquet")
        witness = Witness(one)
        one.pipeline.drain(lambda: False)
        assert len(one.rows(SERVICES)) == 2
        assert one.pipeline.outstanding().lacking == {"f00.parquet", "second.parquet"}
        assert one.pipeline.sweep_wanted
        one.settle()
        assert {services for services, _ in witness.seen} == {2}
        assert one.rows(PLACES) == [("f01.parquet",), ("third.parquet",)]


def test_a_file_removed_before_it_was_indexed_is_lacking_until_a_listing(tmp_path: Path) -> None:
    """It may have been renamed; a listing that has it nowhere ends that."""
    with indexed(tmp_path) as one:
        (path, *_) = fill(one.root, 1)
        one.pipeline.sweep()
        path.unlink()
        one.pipeline.drain(lambda: False)
        assert one.pipeline.outstanding().lacking == {"f00.parquet"}
        one.settle()
        assert one.pipeline.outstanding().files == 0
        assert one.rows(SERVICES) == []


def test_nothing_is_known_to_be_whole_before_the_first_listing(tmp_path: Path) -> None:
    """Whatever happened while no worker ran."""
    with indexed(tmp_path) as one:
        assert one.pipeline.outstanding().problems == (NOT_LISTED,)
        one.pipeline.sweep()
        assert one.pipeline.outstanding().problems == ()


def test_a_new_file_that_may_grow_is_pending_and_not_lacking(tmp_path: Path) -> None:
    """It holds no spans before it has a footer; a known one that lost its footer did."""
    with indexed(tmp_path) as one:
        (path, *_) = fill(one.root, 1)
        one.settle()
        (one.root / "new.parquet").write_bytes(b"PAR1")
        one.pipeline.sweep()
        one.pipeline.drain(lambda: False)
        assert one.pipeline.outstanding().files == 1
        assert one.pipeline.outstanding().lacking == frozenset()
        write(one.root / "new.parquet", [Span(trace=2)])
        one.pipeline.sweep()
        assert one.pipeline.outstanding().lacking == {"new.parquet"}
        one.pipeline.drain(lambda: False)
        path.write_bytes(b"PAR1")
        one.pipeline.sweep()
        one.pipeline.drain(lambda: False)
        assert one.pipeline.outstanding().lacking == {"f00.parquet"}


def put_empty_root(one: Indexed) -> None:
    one.root.rename(one.root.with_name("away"))
    one.root.mkdir()


@pytest.mark.parametrize("restarted", [False, True])
def test_an_empty_folder_in_the_place_of_the_root_removes_nothing(
    tmp_path: Path, restarted: bool
) -> None:
    """On the same device; it is a problem until the root is back or the removals are accepted."""
    with indexed(tmp_path) as one:
        fill(one.root, 5)
        one.settle()
        put_empty_root(one)
        if not restarted:
            one.settle()
            assert len(one.rows(SERVICES)) == 5
            assert "another folder" in one.pipeline.problems[0]
    with indexed(tmp_path) as one:
        one.settle()
        assert len(one.rows(SERVICES)) == 5
        assert "another folder" in one.pipeline.outstanding().problems[0]
        one.root.rmdir()
        one.root.with_name("away").rename(one.root)
        one.settle()
        assert one.pipeline.outstanding().problems == ()


def test_hints_of_a_root_that_was_not_listed_wait_for_its_listing(tmp_path: Path) -> None:
    """The worker began while an empty folder covered it; that folder comes once more."""
    with indexed(tmp_path) as one:
        away, empty = one.root.with_name("away"), one.root.with_name("empty")
        fill(one.root, 5)
        put_empty_root(one)
        one.settle()
        one.root.rename(empty)
        away.rename(one.root)
        one.pipeline.look(map(str, one.root.rglob("*.parquet")))
        one.pipeline.drain(lambda: False)
        assert (one.rows(SERVICES), one.pipeline.outstanding().files) == ([], 5)
        assert one.pipeline.sweep_wanted
        one.settle()
        assert (len(one.rows(SERVICES)), one.pipeline.outstanding().files) == (5, 0)
        one.root.rename(away)
        empty.rename(one.root)
        one.settle()
        assert len(one.rows(SERVICES)) == 5


def test_removals_that_an_operator_accepts_are_made(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        fill(one.root, 5)
        one.settle()
        put_empty_root(one)
    with indexed(tmp_path, accept_removals=True) as one:
        one.settle()
        assert (one.rows(SERVICES), one.pipeline.problems) == ([], ())
    with indexed(tmp_path) as one:
        fill(one.root, 1)
        one.settle()
        assert (one.rows(SERVICES), one.pipeline.problems) == ([("s00",)], ())


def test_most_of_the_files_vanish_after_a_second_look(tmp_path: Path) -> None:
    """Meanwhile it is a problem, and the one-shot run waits it out."""
    with indexed(tmp_path) as one:
        paths = fill(one.root)
        one.settle()
        for path in paths[1:]:
            path.unlink()
        one.pipeline.sweep()
        assert len(one.rows(SERVICES)) == FILES
        assert "59 of 60 indexed files vanished at once" in one.pipeline.problems[0]
        one.settle()
        assert (one.rows(SERVICES), one.pipeline.problems) == ([("s00",)], ())
