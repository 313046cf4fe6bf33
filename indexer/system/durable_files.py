"""Files and folders made so that a power cut leaves all of them or nothing, each with its mode.

Every file and folder that this program makes is made here, or by a library inside a folder that
is made here.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from indexer.system.permissions import (
    DEFAULT_MODES,
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    FileModes,
    restrict,
    set_mode,
)

SQLITE_FULL_SYNC = ("fullfsync", "checkpoint_fullfsync")
"""Pragmas by which SQLite does as ``sync_descriptor``; they do nothing where fsync is enough."""


def make_folder(folder: Path, modes: FileModes = DEFAULT_MODES) -> None:
    """The folder with everything above it, each durable in the one that holds it.

    One that is there keeps its mode. It may have been made by a process that was killed before
    it could sync it, so it is synced again. Raises OSError.
    """
    if not folder.is_dir():
        make_folder(folder.parent, modes)
        _make(folder, modes.folder)
        sync_folder(folder.parent)
        return
    with suppress(PermissionError):  # whoever may not read it has not made anything in it either
        sync_folder(folder.parent)


def make_private_folder(folder: Path, modes: FileModes = DEFAULT_MODES) -> None:
    """A folder that nobody else can enter, also when it is there; what is above it is shared."""
    if not folder.is_dir():
        make_folder(folder.parent, modes)
        _make(folder, PRIVATE_FOLDER)
    make_folder(folder)
    restrict([folder], PRIVATE_FOLDER)


def open_private(path: Path) -> int:
    """A descriptor to read and write the file, made when there is none; nobody else may open it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    set_mode(descriptor, PRIVATE_FILE)
    return descriptor


def create_private(path: Path) -> None:
    """An empty file that nobody else may open, unless there is one; that one is restricted.

    One that is there is not opened: closing it again would drop the locks that this process has
    on it (fcntl(2)).
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, PRIVATE_FILE)
    except FileExistsError:
        restrict([path], PRIVATE_FILE)
        return
    set_mode(descriptor, PRIVATE_FILE)
    os.close(descriptor)


@contextmanager
def replacing(
    target: Path, temporary: Path, mode: int, *, overwrite: bool = True
) -> Iterator[BinaryIO]:
    """A file to write under a temporary name, which has its own once the block is done.

    Then it is durable, and an old one of that name is gone; when the block raises, nothing of it
    stays. Both names are of one folder, which is there. Raises OSError, without ``overwrite``
    FileExistsError for a name that is taken by then.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, flags, PRIVATE_FILE), "wb") as file:
            yield file
            file.flush()
            set_mode(file.fileno(), mode)
            sync_descriptor(file.fileno())
        if overwrite:
            temporary.replace(target)
        else:
            _rename_to_free_name(temporary, target)
    except BaseException:
        with suppress(OSError):  # the error that is on its way says more
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _rename_to_free_name(temporary: Path, target: Path) -> None:
    """A link is never made over another name; where the volume has none, it is looked before."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        temporary.replace(target)
    else:
        temporary.unlink()


def sync_file(path: str | Path) -> None:
    """Make the content of a file durable. Raises OSError."""
    _sync(path, os.O_RDONLY)


def sync_folder(folder: str | Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def sync_descriptor(descriptor: int) -> None:
    """fsync(2); on macOS F_FULLFSYNC, because its fsync leaves the data in the drive's cache.

    Raises OSError.
    """
    full = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        with suppress(OSError):  # a file system that does not have it, such as a network's
            fcntl.fcntl(descriptor, full)
            return
    os.fsync(descriptor)


def _sync(path: str | Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def _make(folder: Path, mode: int) -> None:
    """Never wider than the mode, not even for a moment; then what the umask took is given back."""
    try:
        folder.mkdir(mode)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        set_mode(folder, mode)
