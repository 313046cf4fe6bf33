"""Look again at files whose size and time cannot be trusted to tell a change.

A file indexed within a tick of its writing could be rewritten with the same size in the same
tick; a file on another inode than before, or with another change time, could be a copy, have other
permissions, or be something else. Their footers tell.
"""

from collections.abc import Iterable
from itertools import takewhile

from indexer.catalog.files import FileRegister
from indexer.deferred_dataclass import dataclass
from indexer.errors import FileError, TransientError
from indexer.model import ParquetFileInfo
from indexer.read.block_meta import file_digest
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage

RACY_S = 2.0
"""The coarsest tick of a file system in use (FAT); most have milliseconds."""
RECHECK_AT_START = 1_000
"""The files registered last are looked at again after a start: the process before may have ended
between registering one and looking at it again. A tenth of a second of footers."""


@dataclass(frozen=True, slots=True)
class Rechecked:
    """Registered files that were looked at again, as they are now."""

    same: tuple[ParquetFileInfo, ...]
    """Of the registered footer; device, inode and change time may be others."""
    changed: tuple[ParquetFileInfo, ...]


class Recheck:
    """Which registered files to look at again, and when."""

    def __init__(self, storage: LocalStorage, register: FileRegister, clock: Clock) -> None:
        self._storage = storage
        self._register = register
        self._clock = clock
        self._due_s = dict.fromkeys(register.newest(RECHECK_AT_START), 0.0)
        """In order of time: every look is as far ahead as the others."""
        self._suspects: dict[str, None] = {}

    @property
    def suspects(self) -> frozenset[str]:
        """Relative paths that may be other files than the index says. For any thread."""
        return frozenset(self._suspects)

    def suspect(self, path: str) -> None:
        """Something but size and time tells that the file may have changed: look at once."""
        self._suspects[path] = None

    def mark(self, info: ParquetFileInfo) -> None:
        """The file was registered just now; look again later if that was close to its writing."""
        now_ns = self._clock.now_unix_nano()
        times = (info.modified_unix_nano, info.changed_unix_nano)
        if min(abs(now_ns - at_ns) for at_ns in times) < RACY_S * 1e9:
            self._look_later(info.relative_path)

    def next_due_s(self) -> float | None:
        """Monotonic time of the earliest look; None when there is none to take."""
        if self._suspects.keys() - self._due_s.keys():
            return self._clock.monotonic_s()
        return next(iter(self._due_s.values()), None)

    def look(self) -> Rechecked:
        """At the files that are due."""
        now_s = self._clock.monotonic_s()
        due = set(takewhile(lambda path: self._due_s[path] <= now_s, self._due_s))
        due |= self._suspects.keys() - self._due_s.keys()
        return self.compare(info for path in due if (info := self._info(path)) is not None)

    def compare(self, infos: Iterable[ParquetFileInfo]) -> Rechecked:
        """Which of these files at registered paths have the registered footer."""
        same: list[ParquetFileInfo] = []
        changed: list[ParquetFileInfo] = []
        for info in infos:
            path = info.relative_path
            digest = self._digest(info)
            if digest is None:  # not to be had now; it is not forgotten
                self.suspect(path)
                self._look_later(path)
                continue
            self._suspects.pop(path, None)
            known = self._register.files[path]
            (same if digest == known.footer_digest else changed).append(info)
        return Rechecked(tuple(same), tuple(changed))

    def _info(self, path: str) -> ParquetFileInfo | None:
        """A registered file as it is now; one that cannot be seen is looked at later."""
        self._due_s.pop(path, None)
        if path not in self._register.files:
            self._suspects.pop(path, None)
            return None
        try:
            entry = self._storage.stat(path)
        except TransientError:
            entry = None
        if entry is None:
            self._look_later(path)
            return None
        return entry.info

    def _look_later(self, path: str) -> None:
        self._due_s.pop(path, None)
        self._due_s[path] = self._clock.monotonic_s() + RACY_S

    def _digest(self, info: ParquetFileInfo) -> str | None:
        """Empty for bytes without a footer, None for bytes that cannot be had now."""
        try:
            with self._storage.open(info) as source:
                return file_digest(self._storage, source, info.relative_path)
        except TransientError:
            return None
        except FileError:
            return ""
