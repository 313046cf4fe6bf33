"""Files that give no spans: refused with the reason, or put off until they can be read.

A file without a footer may still be growing; it is refused once it has settled. What fails for
the moment is tried again, later and later, and shown in quarantine meanwhile.
"""

import os
from collections.abc import Iterable

from indexer.discover.backlog import Backlog
from indexer.errors import FileError, FooterUnreadable, IndexerError, TransientError
from indexer.model import ParquetFileInfo, QuarantinedFile
from indexer.system import retry
from indexer.system.clock import Clock
from indexer.system.storage import display_path
from indexer.telemetry.log import FILE_POSTPONED, FILE_QUARANTINED, log


class Refusals:
    """Decides over files of one backlog."""

    def __init__(self, backlog: Backlog, clock: Clock, *, root: str, settle_s: float) -> None:
        """``root`` is the storage's, as its operator wrote it."""
        self._backlog = backlog
        self._clock = clock
        self._root = root
        self._settle_s = settle_s

    def standing(
        self, refused: Iterable[tuple[ParquetFileInfo, FileError]]
    ) -> list[QuarantinedFile]:
        """Refusals that stand: all but those of files that may still be growing, which wait."""
        now_s = self._clock.monotonic_s()
        return [
            self.refuse(info, error)
            for info, error in refused
            if not isinstance(error, FooterUnreadable)
            or not self._backlog.unfinished(info, settle_s=self._settle_s, now_s=now_s)
        ]

    def postpone(self, info: ParquetFileInfo, error: TransientError) -> QuarantinedFile | None:
        """Put a file off; what to report once it has failed so often."""
        reported = self.put_off(info, error.message) >= retry.FILE_TRIES_BEFORE_REPORT
        return self.refuse(info, error) if reported else None

    def put_off(self, info: ParquetFileInfo, reason: str) -> int:
        """Read the file again later. How often it was tried."""
        backoff_s = retry.FILE.pause_s(self._backlog.tries(info.relative_path) + 1)
        path = display_path(info.relative_path)
        log(FILE_POSTPONED, f"{path}: {reason}; again in {backoff_s:.1f} s")
        return self._backlog.postpone(info, backoff_s=backoff_s, now_s=self._clock.monotonic_s())

    def refuse(self, info: ParquetFileInfo, error: IndexerError) -> QuarantinedFile:
        """The row of quarantine that says why, and the line in the log."""
        path = display_path(info.relative_path)
        log(
            FILE_QUARANTINED,
            f"quarantined {path}: {error.error_type}: {error.message}",
            file_path=path,
            error_type=error.error_type,
        )
        return QuarantinedFile(
            relative_path=path,
            file_path=os.path.join(self._root, path),
            error_type=error.error_type,
            error_message=error.message,
            hint=error.advice,
            transient=isinstance(error, TransientError),
            size_bytes=info.size_bytes,
            modified_unix_nano=info.modified_unix_nano,
        )

    def has_settled(self, info: ParquetFileInfo) -> bool:
        """Whether the file was seen without a footer and has not changed for the settle time."""
        return self._backlog.has_settled(
            info, settle_s=self._settle_s, now_s=self._clock.monotonic_s()
        )
