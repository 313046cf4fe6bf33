"""The settings' path always leads to one whole catalog, or says why it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.catalog.generations import Generations, snapshot_folder, spill_folder
from indexer.catalog.owner_lock import CatalogLock
from indexer.errors import CatalogOwned, CatalogUnreadable


def generation(generations: Generations, content: str) -> Path:
    path = generations.next()
    path.write_text(content)
    return path


def test_a_published_generation_is_found_through_the_pointer(tmp_path: Path) -> None:
    """Readers use the path of the settings; the owner opens the real one."""
    generations = Generations(tmp_path / "index.duckdb")
    assert generations.current() is None
    first = generation(generations, "one")
    generations.publish(first)
    assert generations.current() == first
    assert (tmp_path / "index.duckdb").read_text() == "one"
    second = generation(generations, "two")
    assert second != first
    generations.publish(second)
    assert generations.current() == second


def test_left_overs_go_and_the_current_generation_stays(tmp_path: Path) -> None:
    """Half-built generations, old ones and snapshots are removed; the log of the current is not."""
    generations = Generations(tmp_path / "index.duckdb")
    current = generation(generations, "one")
    generations.publish(current)
    for name in ("000007.duckdb", current.name + ".snapshot-1", current.name + ".wal"):
        (current.parent / name).write_text("x")
    generations.remove_others()
    assert sorted(os.listdir(current.parent)) == [current.name, current.name + ".wal"]


def test_all_snapshots_go(tmp_path: Path) -> None:
    """They lie in a folder of their own, which others may enter."""
    generations = Generations(tmp_path / "index.duckdb")
    current = generation(generations, "one")
    generations.publish(current)
    snapshots = snapshot_folder(current)
    assert snapshots == tmp_path / "index.duckdb.snapshots"
    (snapshots / "spilled").mkdir(parents=True)
    (snapshots / (current.name + ".snapshot-1")).write_text("x")
    generations.remove_others()
    assert os.listdir(snapshots) == []
    assert generations.current() == current


def test_a_session_spills_where_nobody_else_can_enter(tmp_path: Path) -> None:
    """On a generation and on its snapshot alike; a reader that may not write there spills elsewhere."""
    generations = Generations(tmp_path / "index.duckdb")
    current = generations.next()
    assert spill_folder(current) == current.parent
    assert spill_folder(snapshot_folder(current) / "any") == current.parent
    assert spill_folder(tmp_path / "missing" / "any") is None


def test_a_file_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    """A plain file at the settings' path is refused, not overwritten."""
    (tmp_path / "index.duckdb").write_text("mine")
    generations = Generations(tmp_path / "index.duckdb")
    with pytest.raises(CatalogUnreadable, match="did not make"):
        generations.current()
    assert (tmp_path / "index.duckdb").read_text() == "mine"


def test_a_pointer_to_nothing_is_refused(tmp_path: Path) -> None:
    """A lost catalog is an operator's decision, not a silent new one."""
    (tmp_path / "index.duckdb").symlink_to("index.duckdb.d/000001.duckdb")
    with pytest.raises(CatalogUnreadable, match="not a catalog"):
        Generations(tmp_path / "index.duckdb").current()


def test_the_lock_has_one_holder_and_names_it(tmp_path: Path) -> None:
    """The second comer is told who it is, and gets it after the first has let go."""
    lock = CatalogLock.acquire(tmp_path / "index.duckdb", purpose="the first")
    with pytest.raises(CatalogOwned, match=f"the first .process {os.getpid()}"):
        CatalogLock.acquire(tmp_path / "index.duckdb", purpose="the second")
    lock.release()
    CatalogLock.acquire(tmp_path / "index.duckdb", purpose="the second").release()
