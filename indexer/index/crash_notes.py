"""No file ends the process for ever: which files it was reading is on disk when it dies.

A note names the files of a group before one of them is opened, and is emptied when they are read.
A process that finds one at its start tries each of these files in a child process before it
reads it. A file that ends the child as well has ended two processes, and is refused; to be in
hand when somebody kills the worker is not enough. The notes are not synced: they outlive the
process, and what a power cut takes of them is tried or missed once.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from indexer.errors import FileEndsProcess
from indexer.model import ParquetFileInfo
from indexer.read.metadata import batch, read_file
from indexer.read.promoted import AttributeReader
from indexer.system.child_process import ChildProcess
from indexer.system.counted_nouns import counted
from indexer.system.durable_files import make_private_folder, open_private
from indexer.system.permissions import DEFAULT_MODES, FileModes
from indexer.system.storage import LocalStorage
from indexer.telemetry.log import FILES_SUSPECTED, log

Trial = Callable[[str, ParquetFileInfo, int], None]
"""Reads a file below a root, with rows at most. For a child process: a function of a module."""


def notes_folder(catalog_pointer: Path) -> Path:
    """``<catalog>.reading``, which nobody else may enter."""
    return catalog_pointer.with_name(catalog_pointer.name + ".reading")


class CrashNotes:
    """The notes of one process; for any thread."""

    def __init__(
        self,
        folder: Path | None,
        storage_root: str = "",
        *,
        rows_max: int = 0,
        modes: FileModes = DEFAULT_MODES,
    ) -> None:
        """Take over what the process before left. Without a ``folder`` nothing is noted."""
        self._folder = folder
        self._root = storage_root
        self._rows_max = rows_max
        self._lock = threading.Lock()
        self._trying = threading.Lock()
        self._free: list[int] = []
        self._descriptors: list[int] = []
        self._suspects: dict[str, tuple[int, int]] = {}
        self.trial: Trial = read_alone
        if folder is not None:
            make_private_folder(folder, modes)
            for path in folder.iterdir():
                self._suspects.update(_noted(path))
                path.unlink()
        if self._suspects:
            count = len(self._suspects)
            files = counted(count, "file was", "files were")
            log(FILES_SUSPECTED, f"{files} being read when the process died last")

    def close(self) -> None:
        """No reader may be at work."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors, self._free = [], []

    @contextmanager
    def reading(self, infos: Sequence[ParquetFileInfo]) -> Iterator[None]:
        """The files are being read. A disk that takes no note keeps nobody from that."""
        slot = self._note(infos)
        try:
            yield
        finally:
            if slot is not None:
                os.ftruncate(slot, 0)
                with self._lock:
                    self._free.append(slot)

    def deadly(self, infos: Sequence[ParquetFileInfo]) -> dict[str, FileEndsProcess]:
        """Those that end a process, by relative path, of the files that were in hand at its death.

        Each is tried once; the others cost nothing.
        """
        suspects = [info for info in infos if self._suspects.get(info.relative_path) == info.stamp]
        found: dict[str, FileEndsProcess] = {}
        if not suspects:
            return found
        with self._trying, closing(ChildProcess()) as child:
            for info in suspects:
                try:
                    child.run_once(self.trial, self._root, info, self._rows_max)
                except BrokenProcessPool:
                    reason = "reading it ended the worker, and then a process of its own"
                    found[info.relative_path] = FileEndsProcess(reason, path=info.relative_path)
                except OSError:  # no process can be started: the worker has to read them
                    break
                else:
                    self._suspects.pop(info.relative_path, None)
        return found

    def _note(self, infos: Sequence[ParquetFileInfo]) -> int | None:
        """The descriptor of a note that names the files, to be emptied; None without a note."""
        if self._folder is None or not infos:
            return None
        note = json.dumps([[info.relative_path, *info.stamp] for info in infos])
        with suppress(OSError):
            slot = self._slot(self._folder)
            os.pwrite(slot, note.encode(), 0)
            return slot
        return None

    def _slot(self, folder: Path) -> int:
        with self._lock:
            if not self._free:
                self._free.append(open_private(folder / str(len(self._descriptors))))
                self._descriptors += self._free
            return self._free.pop()


def read_alone(storage_root: str, info: ParquetFileInfo, rows_max: int) -> None:
    """Decode what the index reads of the file, attributes too. The file's errors end nothing."""
    storage = LocalStorage(storage_root)
    with suppress(Exception):
        batch([read_file(storage, info, rows_max=rows_max)])
    with closing(AttributeReader()) as reader:
        reader.read(storage, [info], ["error.type"])


def _noted(path: Path) -> dict[str, tuple[int, int]]:
    """The files that a note names; none where the process died as it wrote it."""
    try:
        rows = json.loads(path.read_bytes() or b"[]")
        return {str(name): (int(size), int(modified)) for name, size, modified in rows}
    except (OSError, ValueError, TypeError):
        return {}
