"""A number that one process counts up and others of the same machine look at, in a file.

A look takes microseconds, where a call to the other process takes a thousand times as long. The
number tells something only while its process lives, which a lock on the file says (open file
description locks, fcntl(2)), and only through the page cache of one kernel, which the file names.
"""

import errno
import fcntl
import os
import struct
import sys
from functools import cache
from pathlib import Path

from indexer.system.durable_files import open_private

LABEL_BYTES_MAX = 120
"""The ID of a boot, which has 36, and what the number is of."""
_CONTENT = struct.Struct(f"=Q{LABEL_BYTES_MAX}s")
_COUNT = struct.Struct("=Q")
_FLOCK = struct.Struct("@hhqqi")
"""``struct flock`` of 64-bit Linux: type, whence, start, length, process."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ChangeCounter:
    """The process that counts. One thread at a time; nothing else of it opens the file to write."""

    def __init__(self, path: Path, what: str) -> None:
        """``what`` is counted, of ``LABEL_BYTES_MAX`` less 37 bytes at most.

        Raises OSError, also while another counter of the file is open. Where the system has no
        such locks, nobody is told a number.
        """
        self._descriptor = open_private(path)
        try:
            self._count = _written(self._descriptor)[0] + 1
            os.pwrite(self._descriptor, _CONTENT.pack(self._count, _label(what)), 0)
            _lock(self._descriptor)
        except BaseException:
            os.close(self._descriptor)
            raise

    def advance(self) -> None:
        """Something changed. Whoever looks from now on sees another number."""
        self._count += 1
        os.pwrite(self._descriptor, _COUNT.pack(self._count), 0)

    def close(self) -> None:
        """Nobody counts any more; the file stays."""
        os.close(self._descriptor)


def change_count(path: Path, what: str) -> int | None:
    """The number as it is; None where no living process of this machine counts ``what`` there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not _is_counting(descriptor):
            return None
        count, label = _written(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return count if label == _label(what) and _boot_id() else None


def _written(descriptor: int) -> tuple[int, bytes]:
    content = os.pread(descriptor, _CONTENT.size, 0).ljust(_CONTENT.size, b"\0")
    count, label = _CONTENT.unpack(content)
    return count, label


def _lock(descriptor: int) -> None:
    if sys.platform != "linux":
        return
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _asked(fcntl.F_WRLCK))
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise


def _is_counting(descriptor: int) -> bool:
    """Whether another descriptor, of any process, has the lock."""
    if sys.platform != "linux":
        return False
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _asked(fcntl.F_RDLCK))
    return int(_FLOCK.unpack(answer[: _FLOCK.size])[0]) != fcntl.F_UNLCK


def _asked(kind: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, 0, 0, 0).ljust(32, b"\0")


def _label(what: str) -> bytes:
    label = f"{_boot_id()} {what}".encode()
    if len(label) > LABEL_BYTES_MAX:
        raise ValueError(f"{what!r} is too long for a label")
    return label.ljust(LABEL_BYTES_MAX, b"\0")


@cache
def _boot_id() -> str:
    """Of the kernel; empty where there is none, and then nothing is told."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
