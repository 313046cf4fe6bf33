"""What becomes of flushed files: those that expire go, those that are gone are listed no more.

A file is listed until a worker has confirmed it. Where no worker comes, or a file was removed
before one came, the listing has an end as well, and the log says what that cost.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from indexer.ingest.events import (
    FILES_GONE,
    KEEPING_FAILED,
    UNCONFIRMED_FILES_REMOVED,
)
from indexer.ingest.limits import UNCONFIRMED_S
from indexer.ingest.log_reader import ListedFile
from indexer.ingest.retention import SECOND_NS, enforce
from indexer.ingest.wal import Wal
from indexer.system.counted_nouns import counted
from indexer.telemetry.ingestion_metrics import FILES_EXPIRED, FILES_EXPIRED_UNCONFIRMED
from indexer.telemetry.log import Event, log

SHOWN_MAX = 20
"""Paths named in a line of the log; their number is said."""


class FileKeeper:
    """Looks after the files of one log below one root, one look at a time."""

    def __init__(
        self,
        wal: Wal,
        root: str | Path,
        *,
        now_unix_nano: Callable[[], int],
        max_age_s: float | None = None,
        max_bytes: int | None = None,
        unconfirmed_s: float = UNCONFIRMED_S,
    ) -> None:
        """``unconfirmed_s``: how long after its flush a file that nobody confirmed is kept."""
        self._wal = wal
        self._root = Path(root).absolute()
        self._now_unix_nano = now_unix_nano
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes
        self._unconfirmed_s = unconfirmed_s

    def look(self) -> None:
        """One look. Whatever goes wrong is logged, and looked at again the next time."""
        try:
            self._forget_gone()
            self._expire()
        except Exception as error:  # noqa: BLE001 - logged, and looked at again
            reason = f"{type(error).__name__}: {error}"
            log(KEEPING_FAILED, f"files were not looked after, and are again later: {reason}")

    def _forget_gone(self) -> None:
        """Files that were removed or renamed before a worker confirmed them.

        In a root that is another folder than before they are not gone, they are not mounted.
        """
        gone: list[ListedFile] = []
        found = False
        for file in self._wal.listed_files():
            if os.path.lexists(file.path):
                found = True
            else:
                gone.append(file)
        identity = _identity(self._root)
        if found or not gone:
            self._wal.remember_root(identity)
        elif identity != self._wal.remembered_root():
            return
        if gone:
            self._wal.unlist(file.path for file in gone)
            _say(FILES_GONE, "were removed or renamed before a worker had confirmed them", gone)

    def _expire(self) -> None:
        listed = {file.path: file for file in self._wal.listed_files()}
        now = self._now_unix_nano()
        kept_ns = self._unconfirmed_s * SECOND_NS
        removed = enforce(
            self._root,
            max_age_s=self._max_age_s,
            max_bytes=self._max_bytes,
            now_unix_nano=now,
            keep={one.path for one in listed.values() if now - one.flushed_unix_nano <= kept_ns},
        )
        FILES_EXPIRED.inc(len(removed))
        unconfirmed = [listed[path] for path in removed if path in listed]
        FILES_EXPIRED_UNCONFIRMED.inc(len(unconfirmed))
        if unconfirmed:
            self._wal.unlist(file.path for file in unconfirmed)
            _say(
                UNCONFIRMED_FILES_REMOVED,
                "have expired and no worker ever confirmed them",
                unconfirmed,
            )


def _say(event: Event, what: str, files: Sequence[ListedFile]) -> None:
    spans = sum(file.span_count for file in files)
    paths = [file.path for file in files[:SHOWN_MAX]]
    log(
        event,
        f"{counted(len(files), 'file')} of {counted(spans, 'span')} {what}",
        files=len(files),
        spans=spans,
        paths=paths,
    )


def _identity(root: Path) -> str:
    """Of the folder that is there now. Raises OSError when there is none."""
    status = root.stat()
    return f"{status.st_dev}:{status.st_ino}"
