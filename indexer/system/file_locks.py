"""Who has a database file open, by the locks that DuckDB and SQLite hold on what they open.

Asked of the kernel without taking a lock. Only of files that this process has not open itself: to
close a file drops every such lock that the process has on it (fcntl(2)).
"""

import errno
import fcntl
import os
import struct
import sys
from pathlib import Path

_FLOCK = struct.Struct("@hhqqi")
"""``struct flock`` of 64-bit Linux: type, whence, start, length, process."""


def writer_of(path: Path) -> int | None:
    """The process that has the file open for writing; None when none has, or none can tell."""
    return _holder(path, fcntl.F_RDLCK)


def user_of(path: Path) -> int | None:
    """The process that has the file open at all."""
    return _holder(path, fcntl.F_WRLCK)


def _holder(path: Path, wanted: int) -> int | None:
    """Whose lock is in the way of a wanted one; 0 for a process of another container."""
    if sys.platform != "linux":
        return None
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EISDIR):
            raise
        return None
    try:
        asked = _FLOCK.pack(wanted, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, process = _FLOCK.unpack(
            fcntl.fcntl(descriptor, fcntl.F_GETLK, asked.ljust(32, b"\0"))[: _FLOCK.size]
        )
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else max(process, 0)
