"""One process owns a catalog, also when somebody deletes the file that says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.catalog import owner_lock
from indexer.catalog.owner_lock import CatalogLock, lock_path
from indexer.errors import CatalogOwned


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return tmp_path / "index.duckdb"


def test_the_lock_has_one_holder_and_names_it(catalog: Path) -> None:
    """The second comer is told who it is, and gets it after the first has let go."""
    lock = CatalogLock.acquire(catalog, purpose="the first")
    with pytest.raises(CatalogOwned, match=f"the first .process {os.getpid()}"):
        CatalogLock.acquire(catalog, purpose="the second")
    assert not lock.keep()
    lock.release()
    CatalogLock.acquire(catalog, purpose="the second").release()


def test_a_lock_whose_file_was_deleted_is_made_again(catalog: Path) -> None:
    lock = CatalogLock.acquire(catalog, purpose="the first")
    lock_path(catalog).unlink()
    assert lock.keep()
    assert not lock.keep()
    with pytest.raises(CatalogOwned, match="the first"):
        CatalogLock.acquire(catalog, purpose="the second")
    lock.release()


def test_a_lock_that_somebody_else_took_meanwhile_is_lost_and_says_to_whom(catalog: Path) -> None:
    first = CatalogLock.acquire(catalog, purpose="the first")
    lock_path(catalog).unlink()
    second = CatalogLock.acquire(catalog, purpose="the second")
    with pytest.raises(CatalogOwned, match="the second"):
        first.keep()
    second.release()
    assert first.keep()
    first.release()


def test_whoever_writes_the_catalog_owns_it_without_a_lock_file(
    catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock file may just have been deleted; the newcomer leaves nothing behind that locks."""
    monkeypatch.setattr(owner_lock, "writer_of", lambda _: 4711)
    with pytest.raises(CatalogOwned, match="process 4711"):
        CatalogLock.acquire(catalog, purpose="a newcomer")
    monkeypatch.undo()
    CatalogLock.acquire(catalog, purpose="the next").release()
