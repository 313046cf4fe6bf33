"""A snapshot is a whole catalog of its moment, whatever its writer does meanwhile."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from indexer.catalog.generations import snapshot_folder
from indexer.errors import CatalogBusy, CatalogWriteFailed
from indexer.index import snapshot as module
from indexer.index.snapshot import SnapshotCopy
from tests.support.catalogs import Indexed, indexed
from tests.support.slow_disk import SlowDisk
from tests.support.span_files import spans, write

pytestmark = pytest.mark.duckdb

PATIENCE_S = 100.0


@pytest.fixture
def slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    disk = SlowDisk(tmp_path)
    monkeypatch.setenv("PATH", disk.path)
    return disk


async def begun(disk: SlowDisk) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not disk.has_begun:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)


async def publish(one: Indexed, serial: int) -> Path:
    copy = SnapshotCopy(one.catalog, serial)
    try:
        return await copy.run()
    finally:
        copy.end()


def held(path: Path) -> tuple[int, ...]:
    """(files, spans) of a published copy."""
    with duckdb.connect(str(path), read_only=True) as reader:
        (files,) = reader.execute("SELECT count(*) FROM parquet_files").fetchone()
        (rows,) = reader.execute("SELECT count(*) FROM span_metadata").fetchone()
    return files, rows


async def test_a_snapshot_holds_what_was_committed_and_nothing_later(tmp_path: Path) -> None:
    """Readers of it see one moment."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(3))
        one.settle()
        path = await publish(one, 1)
        write(one.root / "b.parquet", spans(3, trace=2))
        one.settle()
        assert held(path) == (1, 3)


async def test_the_writer_goes_on_beside_a_slow_copy_which_is_of_its_beginning(
    tmp_path: Path, slow_disk: SlowDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small commits, a large one that goes past the log, a removal; then all of it is there."""
    monkeypatch.setattr("indexer.catalog.database.CHECKPOINT_WAL_BYTES", 1 << 16)
    with indexed(tmp_path) as one:
        for number in range(5):
            write(one.root / f"{number}.parquet", spans(2_000, trace=number + 1))
        one.settle()
        copying = asyncio.create_task(publish(one, 1))
        await begun(slow_disk)
        write(one.root / "large.parquet", spans(150_000, trace=99))
        one.settle()
        for number in range(4):
            (one.root / f"{number}.parquet").unlink()
            one.settle()
        one.catalog.checkpoint()
        slow_disk.go()
        assert held(await copying) == (5, 10_000)
        assert held_live(one) == (2, 152_000)
        one.catalog.checkpoint()
        assert one.catalog.wal_bytes() == 0


def held_live(one: Indexed) -> tuple[int, ...]:
    counts = "SELECT (SELECT count(*) FROM parquet_files), (SELECT count(*) FROM span_metadata)"
    return one.rows(counts)[0]


@pytest.mark.parametrize("how", ["cancel", "spoil", "late"])
async def test_a_copy_that_cannot_be_whole_is_none(
    tmp_path: Path, slow_disk: SlowDisk, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The catalog is being closed, or opened anew, or the disk is too slow by far.

    Nobody leaves the process that copies behind.
    """
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def start_noted(*command: str, **options: Any) -> asyncio.subprocess.Process:
        started.append(await start(*command, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_noted)
    if how == "late":
        monkeypatch.setattr(module, "COPY_TIMEOUT_S", 1)
    with indexed(tmp_path) as one:
        copy = SnapshotCopy(one.catalog, 1)
        copying = asyncio.create_task(copy.run())
        if how != "late":
            await begun(slow_disk)
        if how == "cancel":
            copy.cancel()
        elif how == "spoil":
            copy.spoil()
            slow_disk.go()
        with pytest.raises(CatalogWriteFailed if how == "late" else CatalogBusy):
            await asyncio.wait_for(copying, PATIENCE_S)
        assert os.listdir(snapshot_folder(one.catalog.path)) == []
    assert [process.returncode is None for process in started] == [False]


async def test_old_snapshots_are_unlinked(tmp_path: Path) -> None:
    """Two copies at a time; who has an old one open keeps reading it."""
    with indexed(tmp_path) as one:
        first = await publish(one, 1)
        reader = duckdb.connect(str(first), read_only=True)
        newer = [await publish(one, serial) for serial in (2, 3)]
        assert all(path.exists() for path in newer)
        assert not first.exists()
        assert reader.execute("SELECT count(*) FROM services").fetchone() == (0,)
        reader.close()


async def test_another_process_still_cannot_open_the_live_catalog(tmp_path: Path) -> None:
    """Copying the file in this process would have dropped the lock."""
    with indexed(tmp_path) as one:
        await publish(one, 1)
        attempt = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", f"import duckdb; duckdb.connect({str(one.catalog.path)!r})"],
            capture_output=True,
            text=True,
        )
        assert "lock" in attempt.stderr
