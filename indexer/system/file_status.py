"""What the operating system says of a file, as facts: what it is, why it cannot be had. Pure."""

import errno
import os
import stat as stat_bits
from dataclasses import replace

from indexer.errors import (
    FileChanged,
    FileUnreadable,
    FileVanished,
    IndexerError,
    NotRegularFile,
    PathTooLong,
)
from indexer.model import ParquetFileInfo

INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
"""Bounds of a time in nanoseconds: file systems also have the year 2300, and 1600."""
UINT64_MAX = (1 << 64) - 1
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""Gone, or a link that dangles or runs in a circle."""
_NO_STAMP = (0, 0, 0)
"""Size and times of what is not a regular file: a FIFO's move with each writer."""
_NEVER_OPENED = {
    stat_bits.S_IFIFO: "a FIFO",
    stat_bits.S_IFSOCK: "a socket",
    stat_bits.S_IFCHR: "a device",
    stat_bits.S_IFBLK: "a device",
}


def file_info(path: str, relative_path: str, status: os.stat_result) -> ParquetFileInfo:
    """What the system says of a file, each number bounded to what the catalog can hold."""
    opened = stat_bits.S_IFMT(status.st_mode) not in _NEVER_OPENED
    size, modified, changed = (
        (status.st_size, status.st_mtime_ns, status.st_ctime_ns) if opened else _NO_STAMP
    )
    return ParquetFileInfo(
        path=path,
        relative_path=relative_path,
        size_bytes=size,
        modified_unix_nano=min(max(modified, INT64_MIN), INT64_MAX),
        changed_unix_nano=min(max(changed, INT64_MIN), INT64_MAX),
        device=status.st_dev & UINT64_MAX,
        inode=status.st_ino & UINT64_MAX,
    )


def confirm(info: ParquetFileInfo, status: os.stat_result) -> None:
    """Whether these are the bytes of ``info``. Raises NotRegularFile and FileChanged."""
    kind = _NEVER_OPENED.get(stat_bits.S_IFMT(status.st_mode))
    if kind is not None:
        raise NotRegularFile(f"the file is {kind}, which is never opened", path=info.relative_path)
    if (
        status.st_size == info.size_bytes
        and status.st_mtime_ns == info.modified_unix_nano
        and status.st_ctime_ns == info.changed_unix_nano
        and status.st_ino == info.inode
        and status.st_dev == info.device
    ):
        return
    now = file_info(info.path, info.relative_path, status)
    if (now if info.changed_unix_nano else replace(now, changed_unix_nano=0)) != info:
        raise FileChanged("the file changed while it was read", path=info.relative_path)


def unread(relative_path: str, error: OSError) -> IndexerError:
    """What the system says of a file that cannot be had, as a fact."""
    if error.errno in ABSENT:
        return FileVanished("the file is gone", path=relative_path)
    if error.errno == errno.ENAMETOOLONG:
        message = f"the path has {len(os.fsencode(relative_path)):,} bytes below the root"
        return PathTooLong(message, path=relative_path)
    return unreadable(relative_path, error)


def unreadable(relative_path: str, error: OSError) -> FileUnreadable:
    """The same of one that is there, as far as can be told."""
    reason = error.strerror or str(error)
    return FileUnreadable(f"cannot read the file: {reason}", path=relative_path)
