"""The span storage is only ever read, and only the bytes that were listed are believed."""

import os
import sys
from dataclasses import replace as replace_fields
from types import SimpleNamespace

import pytest

from indexer.errors import (
    FileChanged,
    FileUnreadable,
    FileVanished,
    NotRegularFile,
    PathTooLong,
    StorageUnavailable,
)
from indexer.system.storage import TICK_NS, LocalStorage, display_path, is_utf8
from tests.support.odd_entries import (
    link_to_device,
    link_to_itself,
    make_fifo,
    make_socket,
    write_deep,
)
from tests.support.permissions import bound_by_permissions


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "spans"
    folder.mkdir()
    return folder


@pytest.fixture
def storage(root):
    return LocalStorage(root)


def listed(storage, path, content=b"PAR1"):
    """Write a file and see it as a listing does."""
    absolute = storage.absolute(path)
    os.makedirs(os.path.dirname(absolute), exist_ok=True)
    with open(absolute, "wb") as file:
        file.write(content)
    return storage.stat(path).info


@pytest.mark.parametrize("path", ["a.parquet", "day=1/a.parquet", "..a/b", "a..b"])
def test_a_path_below_the_root_has_a_relative_name(storage, root, path):
    assert storage.relative(str(root / path)) == path
    assert storage.absolute(path) == str(root / path)


def test_the_root_itself_is_the_empty_name(storage, root):
    assert storage.relative(str(root)) == storage.relative(f"{root}/") == ""
    assert storage.absolute("") == str(root)


@pytest.mark.parametrize("path", ["..", "../elsewhere/a", "../spans2/a.parquet", "../../a", "/"])
def test_a_path_outside_the_root_has_no_name(storage, root, path):
    assert storage.relative(os.path.join(root, path)) is None


def test_a_relative_root_is_of_the_current_folder(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    assert LocalStorage("spans/../spans").root == str(root)


def test_an_entry_has_the_facts_of_its_file(storage, root):
    info = listed(storage, "day/a.parquet", b"x" * 10)
    status = os.stat(root / "day" / "a.parquet")
    assert (info.path, info.relative_path) == (str(root / "day" / "a.parquet"), "day/a.parquet")
    assert info.stamp == (10, status.st_mtime_ns)
    assert info.mtime == status.st_mtime_ns / 1e9
    assert (info.device, info.inode) == (status.st_dev, status.st_ino)


def test_what_is_not_there_has_no_entry(storage, root):
    listed(storage, "file")
    link_to_itself(root / "loop")
    assert storage.stat("loop") is None
    assert storage.stat("missing") is None
    assert storage.stat("file/below a file") is None


def test_a_path_that_the_system_refuses_to_look_at_is_an_error_and_not_an_absence(storage):
    """An absence would take the file out of the index."""
    with pytest.raises(FileUnreadable):
        storage.stat("x" * 5000)


def test_a_folder_lists_files_folders_and_links_with_the_facts_of_their_targets(storage, root):
    info = listed(storage, "day/a.parquet")
    (root / "link").symlink_to(root / "day")
    (root / "link.parquet").symlink_to(root / "day" / "a.parquet")
    found = {entry.name: entry for entry in storage.list_folder("").entries}
    assert {name: (e.is_folder, e.is_link) for name, e in found.items()} == {
        "day": (True, False),
        "link": (True, True),
        "link.parquet": (False, True),
    }
    assert found["link.parquet"].info.inode == info.inode
    assert [entry.info for entry in storage.list_folder("day").entries] == [info]


def test_a_folder_that_cannot_be_listed_is_an_error_and_not_empty(storage):
    with pytest.raises(StorageUnavailable, match=r"cannot list .*missing: No such file") as refusal:
        storage.list_folder("missing")
    assert refusal.value.path == "missing"
    assert "JUNJO_SPAN_STORAGE_PATH" in refusal.value.advice


def test_a_folder_that_takes_long_to_list_is_fresh_if_it_was_when_its_version_was_read(
    storage, root, monkeypatch
):
    """Another name that came just then, while the others were read, left the same version."""
    listed(storage, "a.parquet")
    at = 1_795_000_000_000_000_000
    os.utime(root, ns=(at, at))
    now, entry = [at + TICK_NS // 2], storage._entry

    def entry_that_takes_long(*asked):
        now[0] += TICK_NS
        return entry(*asked)

    monkeypatch.setattr(storage, "_entry", entry_that_takes_long)
    clock = SimpleNamespace(time_ns=lambda: now[0])
    monkeypatch.setattr("indexer.system.storage.time", clock)
    assert storage.list_folder("").is_fresh
    assert not storage.list_folder("").is_fresh


def test_a_protected_file_is_neither_listed_nor_unknown(storage):
    info = listed(storage, "catalog.parquet")
    storage.protected = frozenset({(info.device, info.inode)})
    assert storage.list_folder("").entries == ()
    assert storage.is_protected(info)


@pytest.mark.parametrize(
    ("path", "direct"),
    [
        ("a.parquet", True),
        ("day/a.parquet", True),
        ("missing/deep/a.parquet", True),
        ("link/a.parquet", False),
        ("day/link/deep/a.parquet", False),
        ("link.parquet", True),
    ],
)
def test_a_path_is_direct_when_no_folder_on_it_is_a_link(storage, root, tmp_path, path, direct):
    listed(storage, "day/a.parquet")
    (tmp_path / "elsewhere").mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "day" / "link").symlink_to(tmp_path / "elsewhere")
    (root / "link.parquet").symlink_to(root / "day" / "a.parquet")
    assert storage.is_direct(path) is direct


def test_a_link_above_the_root_or_in_its_name_makes_nothing_indirect(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    storage = LocalStorage(tmp_path / "link")
    listed(storage, "day/a.parquet")
    assert storage.is_direct("a.parquet")
    assert storage.is_direct("day/a.parquet")


def test_the_device_of_a_missing_path_is_that_of_the_closest_folder_above(storage, root):
    (root / "day").mkdir()
    device = os.stat(root).st_dev
    for path in ("a.parquet", "day/a.parquet", "day/gone/deep/a.parquet"):
        assert storage.nearest_device(path) == device


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs a second file system")
def test_a_mounted_folder_has_its_own_device(tmp_path):
    storage = LocalStorage("/")
    assert storage.nearest_device("proc/self/gone") == os.stat("/proc").st_dev
    assert storage.nearest_device("proc/self/gone") != storage.nearest_device("gone")


def test_without_a_root_there_is_no_device(storage, root):
    root.rmdir()
    assert storage.nearest_device("day/a.parquet") is None


def test_only_folders_have_the_identity_of_a_folder(storage, root):
    info = listed(storage, "a.parquet")
    assert storage.folder_identity("") == (info.device, os.stat(root).st_ino)
    assert storage.folder_identity("a.parquet") is None
    assert storage.folder_identity("missing") is None


def test_the_listed_bytes_are_read(storage):
    info = listed(storage, "a.parquet", b"content")
    with storage.open(info) as source:
        assert source.read() == b"content"


def test_the_file_is_closed_after_reading(storage):
    info = listed(storage, "a.parquet")
    with storage.open(info) as source:
        pass
    assert source.closed


def test_a_file_that_vanished_before_reading_is_named_so(storage, root):
    info = listed(storage, "a.parquet")
    (root / "a.parquet").unlink()
    with pytest.raises(FileVanished) as refusal, storage.open(info):
        pass
    assert refusal.value.path == "a.parquet"


def test_a_file_that_vanishes_while_it_is_read_is_named_so(storage, root):
    info = listed(storage, "a.parquet")
    with pytest.raises(FileVanished), storage.open(info):
        (root / "a.parquet").unlink()


def append(path, info):
    with path.open("ab") as file:
        file.write(b"more")
    os.utime(path, ns=(0, info.modified_unix_nano))


def touch(path, info):
    os.utime(path, ns=(0, info.modified_unix_nano + 1))


def replace(path, info):
    other = path.with_suffix(".tmp")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(0, info.modified_unix_nano))
    os.replace(other, path)


def rewrite_in_place(path, info):
    """Other bytes of the same size, inode and modification time: the change time alone tells."""
    while os.stat(path).st_ctime_ns == info.changed_unix_nano:
        path.write_bytes(b"RAP1"[: info.size_bytes])
        os.utime(path, ns=(0, info.modified_unix_nano))


CHANGES = pytest.mark.parametrize(
    "change", [append, touch, replace, rewrite_in_place], ids=lambda f: f.__name__
)


@CHANGES
def test_a_file_that_changed_before_reading_is_not_read(storage, root, change):
    info = listed(storage, "a.parquet")
    change(root / "a.parquet", info)
    with pytest.raises(FileChanged), storage.open(info):
        pytest.fail("it was opened")


@CHANGES
def test_a_file_that_changes_while_it_is_read_is_not_believed(storage, root, change):
    info = listed(storage, "a.parquet")
    with pytest.raises(FileChanged), storage.open(info):
        change(root / "a.parquet", info)


def test_a_change_time_that_is_not_known_is_not_asked(storage, root):
    """The catalog of an older version has none; the footer tells instead."""
    info = replace_fields(listed(storage, "a.parquet"), changed_unix_nano=0)
    with storage.open(info) as source:
        assert source.read() == b"PAR1"


def test_the_error_of_the_reader_comes_before_the_look_afterwards(storage, root):
    """A damaged file is refused for what is in it, even if it is gone by now."""

    def read_damage(source):
        (root / "a.parquet").unlink()
        raise ValueError("damaged")

    info = listed(storage, "a.parquet")
    with pytest.raises(ValueError, match="damaged"), storage.open(info) as source:
        read_damage(source)


def test_a_file_without_permission_is_unreadable_and_not_absent(storage, root):
    listed(storage, "a.parquet")
    (root / "a.parquet").chmod(0)
    info = storage.stat("a.parquet").info
    with (
        bound_by_permissions(),
        pytest.raises(FileUnreadable, match="Permission denied"),
        storage.open(info),
    ):
        pass


IRREGULAR = pytest.mark.parametrize(
    ("make", "kind"),
    [(make_fifo, "a FIFO"), (make_socket, "a socket"), (link_to_device, "a device")],
    ids=["FIFO", "socket", "device"],
)


@IRREGULAR
@pytest.mark.skipif(sys.platform != "linux", reason="binds the socket by /proc")
def test_what_is_not_a_regular_file_is_never_opened(storage, root, make, kind):
    """Opening a FIFO waits for its writer; the attempt ends at once and says what it is."""
    make(root / "a.parquet")
    info = storage.stat("a.parquet").info
    with (
        pytest.raises(NotRegularFile, match=f"is {kind}, which is never opened"),
        storage.open(info),
    ):
        pytest.fail("it was opened")


def test_a_fifo_that_takes_the_place_of_a_file_is_not_opened(storage, root):
    """Not even between the look at its path and the opening of it."""
    info = listed(storage, "a.parquet")
    (root / "a.parquet").unlink()
    os.mkfifo(root / "a.parquet")
    with pytest.raises(NotRegularFile), storage.open(info):
        pytest.fail("it was opened")


def test_a_fifo_has_the_same_stamp_whatever_passes_through_it(storage, root):
    """Else it would be reported anew with each write."""
    os.mkfifo(root / "a.parquet")
    before = storage.stat("a.parquet").info
    os.utime(root / "a.parquet", (1, 1))
    assert storage.stat("a.parquet").info == before


@pytest.mark.parametrize(
    ("moment", "bounded"),
    [
        ((1 << 63) // 10**9 + 1, (1 << 63) - 1),  # 2262-04-12
        (10_413_792_000, (1 << 63) - 1),  # the year 2300
        (-11_676_096_000, -(1 << 63)),  # the year 1600
        (-1, -1_000_000_000),
    ],
)
def test_a_modification_time_is_bounded_to_what_the_catalog_holds(storage, root, moment, bounded):
    listed(storage, "a.parquet")
    os.utime(root / "a.parquet", (moment, moment))
    if os.stat(root / "a.parquet").st_mtime != moment:
        pytest.skip("this file system has no such time")
    info = storage.stat("a.parquet").info
    assert info.modified_unix_nano == bounded
    with storage.open(info) as source:
        assert source.read() == b"PAR1"


def test_a_folder_beyond_the_longest_path_is_listed_and_its_files_are_refused(storage, root):
    """Name by name there is no limit; for opening a file there is, and it is said."""
    folder = write_deep(root, 20, b"PAR1")
    (entry,) = storage.list_folder(folder).entries
    assert entry.info.relative_path == f"{folder}/a.parquet"
    assert entry.info.size_bytes == 4
    with pytest.raises(PathTooLong, match="4,429 bytes"), storage.open(entry.info):
        pytest.fail("it was opened")


def test_names_that_cannot_be_looked_at_are_given_with_the_reason(storage, root):
    listed(storage, "closed/b.parquet")
    (root / "closed" / "a").mkdir()
    (root / "closed").chmod(0o444)
    with bound_by_permissions():
        contents = storage.list_folder("closed")
    assert contents.entries == ()
    assert [(one.name, one.is_file, one.reason) for one in contents.unseen] == [
        ("a", False, "Permission denied"),
        ("b.parquet", True, "Permission denied"),
    ]


def test_a_folder_in_place_of_the_file_is_an_error_of_the_storage(storage, root):
    info = listed(storage, "a.parquet")
    (root / "a.parquet").unlink()
    (root / "a.parquet").mkdir()
    with pytest.raises(FileChanged), storage.open(info):
        pass


def test_there_is_no_way_to_write(storage):
    """Invariant I7, as far as one module can hold it."""
    info = listed(storage, "a.parquet")
    with storage.open(info) as source:
        assert not source.writable()


@pytest.mark.parametrize(
    ("name", "shown", "plain"),
    [
        (b"day/a.parquet", "day/a.parquet", True),
        ("ключ.parquet".encode(), "ключ.parquet", True),
        (b"odd_\xff.parquet", r"odd_\xff.parquet", False),
        ("ü".encode("latin-1"), r"\xfc", False),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="names are not bytes there")
def test_any_name_can_be_shown(name, shown, plain):
    path = os.fsdecode(name)
    assert display_path(path) == shown
    assert is_utf8(path) is plain
    assert display_path(shown) == shown
