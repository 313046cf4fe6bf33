"""A rebuild doubts an empty storage as a worker does, and the operator's word ends that for both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from indexer.discover.removal_rule import SECOND_LOOK_S
from indexer.errors import StorageUnavailable
from indexer.index.reindex import rebuild, run_once
from indexer.model import Progress
from indexer.settings import Settings
from tests.support.fake_clock import FakeClock
from tests.support.span_files import Span, write

pytestmark = pytest.mark.duckdb

RUNS = pytest.mark.parametrize("run", [run_once, rebuild], ids=lambda run: run.__name__)
Run = Callable[..., Progress]


class Site:
    """A storage of some files, indexed once."""

    def __init__(self, folder: Path, files: int) -> None:
        self.root = folder / "spans"
        self.settings = Settings(
            storage_path=self.root, catalog_path=folder / "catalog" / "index.duckdb"
        )
        self.clock = FakeClock()
        self.paths = [
            write(self.root / f"{number}.parquet", [Span(trace=number + 1)])
            for number in range(files)
        ]
        self.run(run_once)

    def run(self, run: Run, **options: bool) -> Progress:
        return run(self.settings, self.clock, lambda: False, lambda _pipeline: None, **options)

    def files(self) -> int:
        with duckdb.connect(str(self.settings.catalog_pointer), read_only=True) as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM parquet_files").fetchall()
        return int(count)


@RUNS
def test_an_empty_folder_in_the_place_of_the_root_is_refused(tmp_path: Path, run: Run) -> None:
    """The index stays as it is, a rebuild or not, so that both would hold the same (I1)."""
    site = Site(tmp_path, 3)
    site.root.rename(tmp_path / "away")
    site.root.mkdir()
    with pytest.raises(StorageUnavailable, match="--accept-removals"):
        site.run(run)
    assert site.files() == 3
    site.run(run, accept_removals=True)
    assert site.files() == 0
    site.run(run)


@RUNS
def test_a_storage_that_lost_most_files_is_looked_at_twice(tmp_path: Path, run: Run) -> None:
    site = Site(tmp_path, 30)
    for path in site.paths[1:]:
        path.unlink()
    began_s = site.clock.monotonic_s()
    site.run(run)
    assert site.clock.monotonic_s() - began_s >= SECOND_LOOK_S
    assert site.files() == 1


@RUNS
def test_a_storage_that_was_restored_elsewhere_is_believed(tmp_path: Path, run: Run) -> None:
    """Another folder with the files in it is the storage."""
    site = Site(tmp_path, 3)
    site.root.rename(tmp_path / "away")
    site.root.mkdir()
    for path in site.paths[1:]:
        (tmp_path / "away" / path.name).rename(path)
    site.run(run)
    assert site.files() == 2


def test_a_catalog_that_cannot_be_read_holds_up_no_rebuild(tmp_path: Path) -> None:
    """It is the way out of that."""
    site = Site(tmp_path, 3)
    site.settings.catalog_pointer.resolve().write_bytes(b"no database" * 1000)
    site.paths[0].unlink()
    site.run(rebuild)
    assert site.files() == 2


def test_a_catalog_of_another_version_is_asked_all_the_same(tmp_path: Path) -> None:
    site = Site(tmp_path, 3)
    with duckdb.connect(str(site.settings.catalog_pointer.resolve())) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (99, 'from the future', now())")
    site.root.rename(tmp_path / "away")
    site.root.mkdir()
    with pytest.raises(StorageUnavailable, match="another folder"):
        site.run(rebuild)
