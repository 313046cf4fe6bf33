"""Whether a path can be used as meant, tried before anything rests on it.

Who may write where is not computed from modes: a file is made and removed again, because root,
access lists, read-only mounts and /proc each have rules of their own.
"""

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from indexer.errors import InvalidSettings
from indexer.system.durable_files import make_folder
from indexer.system.permissions import DEFAULT_MODES, FileModes

_NOT_OF_THE_PATH = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})
"""The disk is full, or the system is out of something: the path may be usable in a minute."""


def check_folder(setting: str, folder: Path, modes: FileModes = DEFAULT_MODES) -> None:
    """Make the folder where it is missing, and try to write in it.

    Raises InvalidSettings naming the setting, what is in the way, and what to do.
    """
    try:
        make_folder(folder, modes)
        _write_in(folder)
    except OSError as error:
        if error.errno not in _NOT_OF_THE_PATH:
            raise _refusal(setting, folder, folder, error) from error


def check_file(
    setting: str,
    path: Path,
    modes: FileModes = DEFAULT_MODES,
    *,
    files_beside: Iterable[str] = (),
    folders_beside: Iterable[str] = (),
) -> None:
    """Make the folder of the file where it is missing, and try to write in it; open nothing.

    What stands beside the file under its name and an ending has to be of the right kind as well.
    Raises InvalidSettings.
    """
    _check_kind(setting, path, is_folder=False)
    try:
        make_folder(path.parent, modes)
        _write_in(path.parent)
    except OSError as error:
        if error.errno not in _NOT_OF_THE_PATH:
            raise _refusal(setting, path, path.parent, error) from error
    for ending in files_beside:
        _check_kind(setting, path.with_name(path.name + ending), is_folder=False)
    for ending in folders_beside:
        _check_kind(setting, path.with_name(path.name + ending), is_folder=True)


def check_listed_folder(setting: str, folder: Path) -> None:
    """A folder that is only read, and may come later. Raises InvalidSettings for a file."""
    try:
        is_file = not stat.S_ISDIR(folder.stat().st_mode)
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ENOTDIR):
            raise _refusal(setting, folder, folder, error) from error
        return
    if is_file:
        raise _invalid(setting, folder, f"{folder} is a file, and a folder is meant")


def check_readable_file(setting: str, path: Path) -> None:
    """A file that is only read, and may be missing. Raises InvalidSettings."""
    try:
        path.stat()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise _refusal(setting, path, path, error, "read") from error
        return
    if not _may(path, os.R_OK):
        raise _invalid(setting, path, f"user {os.geteuid()} may not read {path}")


def _check_kind(setting: str, path: Path, *, is_folder: bool) -> None:
    """What is there already is a folder, or a file, that this user may write."""
    try:
        status = path.stat()
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES):
            raise _refusal(setting, path, path, error) from error
        return
    if stat.S_ISDIR(status.st_mode) != is_folder:
        found, meant = ("file", "folder") if is_folder else ("folder", "file")
        raise _invalid(setting, path, f"{path} is a {found}, and a {meant} is meant")
    if not _may(path, os.R_OK | os.W_OK):
        raise _invalid(setting, path, f"user {os.geteuid()} may not read and write {path}")


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _write_in(folder: Path) -> None:
    """Make a file in the folder, without a name where the system can. Raises OSError.

    So a process that is killed here leaves nothing behind.
    """
    from tempfile import TemporaryFile  # noqa: PLC0415 - commands that only read make none

    with TemporaryFile(dir=folder):
        pass


def _refusal(
    setting: str, path: Path, folder: Path, error: OSError, action: str = "write in"
) -> InvalidSettings:
    """What the operating system refuses, and where on the way to the folder."""
    there = _nearest_there(folder)
    reasons = {
        errno.EACCES: f"user {os.geteuid()} may not {action} {there}",
        errno.EPERM: f"user {os.geteuid()} may not {action} {there}",
        errno.EROFS: f"{there} is on a read-only file system",
        errno.ENOTDIR: f"{there} is a file, and a folder is meant",
        errno.EEXIST: f"{there} is a file, and a folder is meant",
        errno.ENOENT: f"no folder can be made in {there}",
        errno.ENAMETOOLONG: "the path, or a name in it, is too long",
        errno.ELOOP: "its symbolic links lead back to where they begin",
    }
    number = error.errno or 0
    return _invalid(setting, path, reasons.get(number, error.strerror or str(error)))


def _invalid(setting: str, path: Path, reason: str) -> InvalidSettings:
    return InvalidSettings(
        f"{setting}={path}: {reason}",
        hint=f"Set {setting} to a path that this user may use, or give user {os.geteuid()} "
        "the permission; `python -m indexer settings` says what it is.",
    )


def _nearest_there(path: Path) -> Path:
    """The path, or what is the closest above it, that this user can see."""
    for one in (path, *path.parents):
        with suppress(OSError):
            if one.is_symlink() or one.exists():
                return one
    return path
