"""What is in memory is read as from any storage; nothing else is read, and nothing is waited for."""

import os
from pathlib import Path

import pytest

from indexer.errors import FileChanged, FileVanished
from indexer.model import ParquetFileInfo
from indexer.system import cached_storage
from indexer.system.cached_storage import (
    READ_BYTES_MAX,
    READS_MAX,
    CachedStorage,
    MustWait,
    is_local,
)
from indexer.system.storage import LocalStorage
from tests.support.page_cache import have_all_in_memory, have_nothing_in_memory, needs_preadv2

CONTENT = bytes(range(256)) * 512


@pytest.fixture
def storage(tmp_path: Path) -> CachedStorage:
    (tmp_path / "a.parquet").write_bytes(CONTENT)
    return CachedStorage(LocalStorage(tmp_path))


@pytest.fixture
def info(storage: CachedStorage) -> ParquetFileInfo:
    entry = LocalStorage(storage.root).stat("a.parquet")
    assert entry is not None
    return entry.info


@needs_preadv2
def test_bytes_in_memory_are_those_of_the_file(
    storage: CachedStorage, info: ParquetFileInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_all_in_memory(monkeypatch)
    with storage.open(info) as file:
        assert file.size() == len(CONTENT)
        assert file.read_at(1_000, 300) == CONTENT[300:1_300]


@needs_preadv2
def test_what_the_disk_has_alone_is_left_to_others(
    storage: CachedStorage, info: ParquetFileInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_nothing_in_memory(monkeypatch)
    with pytest.raises(MustWait), storage.open(info) as file:
        file.read_at(1, 0)


@needs_preadv2
@pytest.mark.parametrize(
    ("size_bytes", "offset"), [(READ_BYTES_MAX + 1, 0), (2, len(CONTENT) - 1)], ids=["long", "end"]
)
def test_what_is_long_or_not_there_is_left_to_others(
    storage: CachedStorage,
    info: ParquetFileInfo,
    monkeypatch: pytest.MonkeyPatch,
    size_bytes: int,
    offset: int,
) -> None:
    have_all_in_memory(monkeypatch)
    with pytest.raises(MustWait), storage.open(info) as file:
        file.read_at(size_bytes, offset)


@needs_preadv2
def test_a_file_is_read_in_a_few_places_alone(
    storage: CachedStorage, info: ParquetFileInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_all_in_memory(monkeypatch)
    with storage.open(info) as file:
        for place in range(READS_MAX):
            assert file.read_at(1, place) == CONTENT[place : place + 1]
        with pytest.raises(MustWait):
            file.read_at(1, 0)


def test_a_file_of_another_machine_is_not_even_looked_at(
    storage: CachedStorage, info: ParquetFileInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_storage, "is_local", lambda _: False)
    monkeypatch.setattr(os, "stat", None)
    with pytest.raises(MustWait), storage.open(info):
        pass
    with pytest.raises(MustWait):
        storage.stat("a.parquet")


@needs_preadv2
def test_a_file_that_is_another_one_is_refused_as_by_any_storage(
    storage: CachedStorage, info: ParquetFileInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_all_in_memory(monkeypatch)
    path = Path(storage.root, "a.parquet")
    with pytest.raises(FileChanged), storage.open(info):
        path.write_bytes(b"others")
    with pytest.raises(FileChanged), storage.open(info):
        pass
    path.unlink()
    with pytest.raises(FileVanished), storage.open(info):
        pass


def test_a_device_is_of_this_machine_if_all_that_is_mounted_of_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        "28 27 0:40 / /spans rw,relatime shared:7 master:1 - nfs4 server:/spans rw\n"
        "29 27 0:41 / /both rw - tmpfs none rw\n"
        "30 27 0:41 / /also rw - fuse.sshfs host: rw\n"
    )
    monkeypatch.setattr(cached_storage, "_MOUNTS", mounts)
    monkeypatch.setattr("sys.platform", "linux")
    is_local.cache_clear()
    found = [is_local(os.makedev(*number)) for number in [(254, 0), (0, 40), (0, 41), (0, 42)]]
    assert found == [True, False, False, False]
    is_local.cache_clear()
    monkeypatch.setattr(cached_storage, "_MOUNTS", tmp_path / "none")
    assert not is_local(os.makedev(254, 0))
    is_local.cache_clear()
