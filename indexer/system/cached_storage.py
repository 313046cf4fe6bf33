"""The span storage for an answer that must not wait: what the kernel has of files in memory.

A read with ``RWF_NOWAIT`` (preadv2(2), Linux) fails where it would wait for a disk. To look at a
path and to open it has no such flag, so that files of other machines are left to those who may
wait: a server that does not answer would hold up everybody.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from indexer.model import ParquetFileInfo
from indexer.system.folders import FolderEntry
from indexer.system.storage import LocalStorage

READ_BYTES_MAX = 64 << 10
"""Of one read: a page as span writers make them. To decode a larger one takes long."""
READS_MAX = 32
"""Of one file that is open: a page of each column, and not the header of every page."""
FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "f2fs", "zfs", "tmpfs", "overlay"})
"""Of this machine alone; others look the same on another machine's disk, or may be anywhere."""
_MOUNTS = Path("/proc/self/mountinfo")
_DEVICE, _SEPARATOR = 2, "-"
"""proc_pid_mountinfo(5): the third field, and what stands before the type."""


class MustWait(Exception):
    """Something is not at hand: whoever may wait begins again. No client ever sees it."""


class CachedFile:
    """An open file, read as far as the kernel has it in memory."""

    def __init__(self, descriptor: int, size_bytes: int) -> None:
        self._descriptor, self._size_bytes = descriptor, size_bytes
        self._reads_left = READS_MAX

    def size(self) -> int:
        """Bytes of the file."""
        return self._size_bytes

    def read_at(self, size_bytes: int, offset: int) -> bytes:
        """Some of them. Raises MustWait unless all are in memory, and few."""
        self._reads_left -= 1
        if sys.platform != "linux" or size_bytes > READ_BYTES_MAX or self._reads_left < 0:
            raise MustWait
        content = bytearray(size_bytes)
        try:
            count = os.preadv(self._descriptor, [content], offset, os.RWF_NOWAIT)
        except OSError as error:  # it would wait, or cannot tell
            raise MustWait from error
        if count < size_bytes:
            raise MustWait
        return bytes(content)


class CachedStorage(LocalStorage):
    """The same files. Raises MustWait for each that cannot be read at once."""

    def __init__(self, storage: LocalStorage) -> None:
        self.root, self.protected = storage.root, storage.protected

    @contextmanager
    def open(self, info: ParquetFileInfo) -> Iterator[CachedFile]:
        """As of any storage, of a file of this machine."""
        if not is_local(info.device):
            raise MustWait
        descriptor = self._descriptor(info)
        try:
            yield CachedFile(descriptor, info.size_bytes)
        finally:
            os.close(descriptor)
        self._confirm_again(info)

    def stat(self, relative_path: str) -> FolderEntry | None:
        """Nothing: whoever looks for a file may have to look for long. Raises MustWait."""
        raise MustWait(relative_path)


@lru_cache(maxsize=64)
def is_local(device: int) -> bool:
    """Whether a device is known to be a file system of this machine alone."""
    if sys.platform != "linux":
        return False
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = [line.split(" ") for line in _MOUNTS.read_text("utf-8", "replace").splitlines()]
    except OSError:
        return False
    types = {mount[mount.index(_SEPARATOR) + 1] for mount in mounts if mount[_DEVICE] == number}
    return bool(types) and types <= FILE_SYSTEMS
