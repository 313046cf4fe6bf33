"""Linux's file events below a folder, whatever bytes its names are made of.

The library of ``watch`` ends at the first name that is not UTF-8, and looks two hundred times a
second whether something has happened. Names are bytes to the kernel, and to this; it sleeps until
something happens.
"""

import asyncio
import ctypes
import os
import struct
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from typing import Literal

from indexer.discover.listing import is_data_file_name, is_data_folder_name

IS_AVAILABLE = sys.platform == "linux"
DEBOUNCE_S = 0.02
"""The first event is told at once, and what comes in so much time after it together."""
STEP_S = 0.005
"""The same after events that are nobody's business, such as those of a file that is being written
under a name of its writer's own."""
STANDING_S = 1.0
"""An empty set comes at least this often."""
_BUFFER_BYTES = 1 << 18
"""Some thousand events; what is left in the kernel is read next."""

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x002, 0x004, 0x008
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x040, 0x080, 0x100, 0x200
_OVERFLOW, _IGNORED, _ONLY_FOLDERS, _IS_FOLDER = 0x4000, 0x8000, 0x01000000, 0x40000000
_WANTED = (
    _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLY_FOLDERS
)
_EVENT = struct.Struct("iIII")


class EventsOverflowed(Exception):
    """More happened than the kernel keeps: what, is not known."""


class FolderEvents:
    """Watches on a folder and on every folder below it, linked ones included.

    Raises OSError when the folder cannot be watched, or when the user has no watch left
    (``fs.inotify.max_user_watches``).
    """

    def __init__(self, root: str) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._folders: dict[int, bytes] = {}
        try:
            self._watch(os.fsencode(root))
            self._watch_below(os.fsencode(root))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End all watches."""
        os.close(self.descriptor)

    def read(self) -> set[str]:
        """Absolute paths where something happened since the last call. Raises EventsOverflowed."""
        paths: set[str] = set()
        with suppress(BlockingIOError):
            while buffer := os.read(self.descriptor, _BUFFER_BYTES):
                for watch, mask, name in _events(buffer):
                    if path := self._follow(watch, mask, name):
                        paths.add(os.fsdecode(path))
        return paths

    def _follow(self, watch: int, mask: int, name: bytes) -> bytes | None:
        """Keep the watches in step with the folders; the path that the event is about."""
        if mask & _OVERFLOW:
            raise EventsOverflowed("the kernel has dropped file events")
        if mask & _IGNORED:
            self._folders.pop(watch, None)
        folder = self._folders.get(watch)
        if folder is None or not name:
            return folder
        path = os.path.join(folder, name)
        if mask & _IS_FOLDER and mask & _MOVED_FROM:
            self._forget(path)
        elif mask & (_CREATE | _MOVED_TO) and os.path.isdir(path):
            self._watch_below(path, itself=True)
        return path

    def _watch_below(self, folder: bytes, *, itself: bool = False) -> None:
        """Folders that are gone meanwhile, or that nobody may enter, are left out."""
        pending, seen = [folder], set(self._folders)
        if itself and not self._try_watch(folder, seen):
            return
        while pending:
            with suppress(OSError), os.scandir(pending.pop()) as entries:
                folders = [entry.path for entry in entries if entry.is_dir()]
                pending += [path for path in folders if self._try_watch(path, seen)]

    def _try_watch(self, folder: bytes, seen: set[int]) -> bool:
        """Whether it is watched now and was not before: a link may lead back to its own parent."""
        try:
            watch = self._watch(folder)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False
        new = watch not in seen
        seen.add(watch)
        return new

    def _watch(self, folder: bytes) -> int:
        watch = self._checked(self._libc.inotify_add_watch(self.descriptor, folder, _WANTED))
        self._folders[watch] = folder
        return watch

    def _forget(self, folder: bytes) -> None:
        for watch, path in list(self._folders.items()):
            if path == folder or path.startswith(folder + b"/"):
                self._libc.inotify_rm_watch(self.descriptor, watch)
                del self._folders[watch]

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


async def folder_events(root: str, stop: asyncio.Event) -> AsyncIterator[set[str]]:
    """Sets of absolute paths that changed below the root, until ``stop``; the first is empty.

    Of names that no data file or folder has nothing is said. Raises what ``FolderEvents`` does.
    """
    with closing(await asyncio.to_thread(FolderEvents, root)) as events:
        stopped = asyncio.ensure_future(stop.wait())
        try:
            yield set()
            while not stop.is_set():
                paths: set[str] = set()
                if await _is_readable(events.descriptor, stopped):
                    found = await asyncio.to_thread(events.read)
                    paths = {path for path in found if path == root or _may_be_data(path)}
                    if not paths:
                        await asyncio.sleep(STEP_S)
                        continue
                yield paths
                if paths:
                    await asyncio.sleep(DEBOUNCE_S)
        finally:
            stopped.cancel()


async def _is_readable(descriptor: int, stopped: "asyncio.Future[Literal[True]]") -> bool:
    """Whether something happens before ``stopped``, and in time."""
    loop = asyncio.get_running_loop()
    happened = loop.create_future()

    def note() -> None:
        loop.remove_reader(descriptor)
        happened.set_result(True)

    loop.add_reader(descriptor, note)
    try:
        await asyncio.wait(
            [happened, stopped], timeout=STANDING_S, return_when=asyncio.FIRST_COMPLETED
        )
        return happened.done()
    finally:
        loop.remove_reader(descriptor)


def _may_be_data(path: str) -> bool:
    name = os.path.basename(path)
    return is_data_file_name(name) or is_data_folder_name(name)


def _events(buffer: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(watch, mask, name) of each event."""
    offset = 0
    while offset < len(buffer):
        watch, mask, _, size = _EVENT.unpack_from(buffer, offset)
        offset += _EVENT.size
        yield watch, mask, buffer[offset : offset + size].rstrip(b"\0")
        offset += size
