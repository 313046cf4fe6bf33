"""Hints from the real file system: what happens below the root is heard of, and it can be ended.

No test here waits for a hint that may be lost; each goes on acting until one comes.
"""

import asyncio
import os

import pytest
from watchfiles import Change

from indexer.discover import watch as module

PATIENCE_S = 100.0


@pytest.fixture(params=["library", "kernel"])
def hints(request, monkeypatch):
    """Both ways to hear of events."""
    monkeypatch.setattr(module, "IS_AVAILABLE", request.param == "kernel")
    return module.hints


async def first_hint(hints, root, act, wanted):
    """Act again and again until a hint satisfies ``wanted``; that set of paths."""
    stop = asyncio.Event()

    async def listen():
        async for paths in hints(str(root), stop):
            if any(wanted(path) for path in paths):
                return paths
        raise AssertionError("the watch ended by itself")

    async def keep_acting():
        number = 0
        while True:
            act(number)
            number += 1
            await asyncio.sleep(0.1)

    acting = asyncio.create_task(keep_acting())
    try:
        return await asyncio.wait_for(listen(), PATIENCE_S)
    finally:
        acting.cancel()
        stop.set()


async def test_a_file_that_gets_its_final_name_is_hinted_at(hints, tmp_path):
    def act(number):
        (tmp_path / "a.tmp").write_bytes(b"x" * number)
        os.replace(tmp_path / "a.tmp", tmp_path / "a.parquet")

    final = str(tmp_path / "a.parquet")
    assert final in await first_hint(hints, tmp_path, act, final.__eq__)


async def test_a_file_in_a_new_nested_folder_is_hinted_at_by_itself_or_by_a_folder(hints, tmp_path):
    """The folder may be younger than the watch on it; then the folder itself is the hint."""

    def act(number):
        folder = tmp_path / f"year={number}" / "month=1"
        folder.mkdir(parents=True)
        (folder / "a.tmp").write_bytes(b"x")
        os.replace(folder / "a.tmp", folder / "a.parquet")

    def leads_to_a_file(path):
        return path.startswith(str(tmp_path / "year="))

    assert await first_hint(hints, tmp_path, act, leads_to_a_file)


async def test_a_removed_file_is_hinted_at(hints, tmp_path):
    def act(number):
        name = tmp_path / f"{number}.parquet"
        name.write_bytes(b"")
        if number:
            (tmp_path / f"{number - 1}.parquet").unlink()

    def was_removed(path):
        return path.endswith(".parquet") and not os.path.exists(path)

    assert await first_hint(hints, tmp_path, act, was_removed)


async def test_the_watch_ends_when_it_is_told_to(hints, tmp_path):
    stop = asyncio.Event()

    async def watch():
        return [paths async for paths in hints(str(tmp_path), stop)]

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    stop.set()
    assert set().union(*await asyncio.wait_for(watching, PATIENCE_S)) == set()


async def test_a_watch_says_that_it_stands_before_anything_happens(hints, tmp_path):
    """What is listed after that misses nothing."""
    stop = asyncio.Event()

    async def first():
        async for paths in hints(str(tmp_path), stop):
            return paths
        raise AssertionError("the watch ended by itself")

    assert await asyncio.wait_for(first(), PATIENCE_S) == set()
    stop.set()


async def test_a_root_behind_a_link_is_named_as_the_caller_names_it(tmp_path, monkeypatch):
    """Where the system tells of files by paths without links, as macOS does below /tmp."""
    real, root = tmp_path / "real", tmp_path / "root"
    real.mkdir()
    root.symlink_to(real)

    async def events(*_, **__):
        yield {(Change.added, str(real / "a.parquet")), (Change.added, str(tmp_path / "b"))}

    monkeypatch.setattr(module, "IS_AVAILABLE", False)
    monkeypatch.setattr("watchfiles.awatch", events)
    (found,) = [paths async for paths in module.hints(str(root), asyncio.Event())]
    assert found == {str(root / "a.parquet"), str(tmp_path / "b")}


async def test_a_root_that_is_missing_cannot_be_watched(hints, tmp_path):
    """Else the worker says that it is watching, and hears nothing when the root appears."""

    async def watch():
        async for _ in hints(str(tmp_path / "missing"), asyncio.Event()):
            pass

    with pytest.raises(FileNotFoundError):
        await asyncio.wait_for(watch(), PATIENCE_S)


async def test_a_root_that_was_replaced_is_heard_again_or_the_watch_ends(hints, tmp_path):
    """A volume that is mounted anew is another folder at the same path."""
    root = tmp_path / "spans"
    root.mkdir()
    stop = asyncio.Event()
    heard: list[str] = []

    async def watch():
        async for paths in hints(str(root), stop):
            heard.extend(paths)

    async def replace_and_write():
        await asyncio.sleep(0.2)
        root.rename(tmp_path / "old")
        root.mkdir()
        while not any(path.endswith(".parquet") for path in heard):
            (root / "a.parquet").write_bytes(b"")
            await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(watch()), asyncio.create_task(replace_and_write())]
    done, waiting = await asyncio.wait(
        tasks, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
    )
    stop.set()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert done
