"""The settings' path always leads to one whole catalog, or says why it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.catalog import generations as module
from indexer.catalog.generations import Generations, snapshot_folder, spill_folder
from indexer.errors import CatalogUnreadable


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
    with pytest.raises(CatalogUnreadable, match="is not a catalog made by"):
        generations.current()
    assert (tmp_path / "index.duckdb").read_text() == "mine"


def test_a_generation_that_was_deleted_is_none(tmp_path: Path) -> None:
    """All that it held is in the files; a link that leads elsewhere is not ours to replace."""
    pointer = tmp_path / "index.duckdb"
    pointer.symlink_to("index.duckdb.d/000001.duckdb")
    assert Generations(pointer).current() is None
    pointer.unlink()
    pointer.symlink_to("elsewhere/000001.duckdb")
    with pytest.raises(CatalogUnreadable, match="not a catalog"):
        Generations(pointer).current()


def test_what_somebody_has_open_stays_until_the_next_time(tmp_path: Path, monkeypatch) -> None:
    """An old generation with its log, and a snapshot."""
    generations = Generations(tmp_path / "index.duckdb")
    old, current = generation(generations, "one"), generation(generations, "two")
    generations.publish(current)
    log = old.with_name(old.name + ".wal")
    snapshot = snapshot_folder(current) / (current.name + ".snapshot-1")
    snapshot.parent.mkdir()
    for path in (log, snapshot):
        path.write_text("x")
    in_use = {old, snapshot}
    monkeypatch.setattr(module, "user_of", lambda path: 7 if path in in_use else None)
    generations.remove_others()
    assert old.exists()
    assert log.exists()
    assert snapshot.exists()
    in_use.clear()
    generations.remove_others()
    assert os.listdir(old.parent) == [current.name]
    assert os.listdir(snapshot.parent) == []
