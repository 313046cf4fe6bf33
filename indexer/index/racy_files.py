"""Look again at files whose size and time cannot be trusted to tell a change.

A file indexed within a tick of its writing could be rewritten with the same size in the same
tick; a file on another inode than before could be a copy or something else. Their footers tell.
"""

from collections.abc import Iterable
from itertools import takewhile

from indexer.catalog.files import FileRegister
from indexer.errors import IndexerError, TransientError
from indexer.model import ParquetFileInfo
from indexer.parquet.file_columns import read_footer
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage

RACY_S = 2.0
"""The coarsest tick of a file system in use (FAT); most have milliseconds."""
RECHECK_AT_START = 1_000
"""The files registered last are looked at again after a start: the process before may have ended
between registering one and looking at it again. A tenth of a second of footers."""


class Recheck:
    """Which registered files to look at again, and when."""

    def __init__(self, storage: LocalStorage, register: FileRegister, clock: Clock) -> None:
        self._storage = storage
        self._register = register
        self._clock = clock
        self._due_s = dict.fromkeys(register.newest(RECHECK_AT_START), 0.0)
        """In order of time: every look is as far ahead as the others."""

    def mark(self, info: ParquetFileInfo) -> None:
        """The file was registered just now; look again later if that was close to its writing."""
        age_s = (self._clock.now_unix_nano() - info.modified_unix_nano) / 1e9
        if abs(age_s) < RACY_S:
            self._look_later(info.relative_path)

    def next_due_s(self) -> float | None:
        """Monotonic time of the earliest look; None when there is none to take."""
        return next(iter(self._due_s.values()), None)

    def changed(self) -> list[ParquetFileInfo]:
        """Of the files that are due, those whose footer is not the registered one."""
        now_s = self._clock.monotonic_s()
        found: list[ParquetFileInfo] = []
        for path in list(takewhile(lambda path: self._due_s[path] <= now_s, self._due_s)):
            del self._due_s[path]
            known = self._register.files.get(path)
            if known is None:
                continue
            info, digest = self._footer_now(path)
            if info is None or digest is None:
                self._look_later(path)  # not visible now; it is not forgotten
            elif digest != known.footer_digest:
                found.append(info)
        return found

    def compare(
        self, relocated: Iterable[ParquetFileInfo]
    ) -> tuple[tuple[ParquetFileInfo, ...], tuple[ParquetFileInfo, ...]]:
        """(files with the registered footer, all others) of files on a new device or inode."""
        same: list[ParquetFileInfo] = []
        others: list[ParquetFileInfo] = []
        for info in relocated:
            known = self._register.files[info.relative_path]
            (same if self._digest(info) == known.footer_digest else others).append(info)
        return tuple(same), tuple(others)

    def _look_later(self, path: str) -> None:
        self._due_s.pop(path, None)
        self._due_s[path] = self._clock.monotonic_s() + RACY_S

    def _footer_now(self, path: str) -> tuple[ParquetFileInfo | None, str | None]:
        """The file at a path as it is, and the digest of its footer, where they can be had."""
        try:
            entry = self._storage.stat(path)
        except TransientError:
            return None, None
        return (None, None) if entry is None else (entry.info, self._digest(entry.info))

    def _digest(self, info: ParquetFileInfo) -> str | None:
        try:
            with self._storage.open(info) as source:
                return read_footer(source, info.relative_path).footer_digest
        except IndexerError:
            return None
