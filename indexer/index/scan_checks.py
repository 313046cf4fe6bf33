"""The third pass: which columns of registered files DuckDB's own reader may read, seen when idle.

SQL over a file is right before and after; it is quicker after. A check looks at every value, so it
waits until nothing was registered for a while, works in short spells, all but rests while somebody
asks, and gives the file back when another one comes.
"""

import heapq
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from indexer.catalog.files import FileRegister
from indexer.errors import FileError, TransientError
from indexer.model import ParquetFileInfo, RegisteredFile
from indexer.read.registered_file import find_registered
from indexer.read.scan_check import check_file
from indexer.spans.file_scan import UNSCANNED, FileScan
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage, display_path
from indexer.telemetry.log import FILE_FAULT, log_fault

QUIET_S, QUIET_S_MAX = 2.0, 60.0
"""So long no file was registered before one is looked at; and as long as it doubles to while files
come before one could be: a check that is given back was for nothing."""
SPELL_S = 1.0
"""Files are looked at so long, then what was seen is recorded in one transaction."""
POLL_S = 0.2
"""Between two looks at a spell that is under way."""
_REST_S, _LOOK_S = 0.002, 0.02
"""After each millisecond of work: others wait for the interpreter's lock no longer than that. And
between two looks whether somebody still asks."""
ASKED_S = 0.1
"""Somebody asks who has asked so lately: between two questions of a page is less."""
_REST_S_MAX = 0.25
"""The same while somebody asks: a large file is looked at in minutes, for a page that is never left
alone. Without that a trace took a third longer for the minute after a million spans (measured)."""
_RESTS_A_WORK = 50
"""Then it rests at least so many times as long as it has worked: some steps take 30 ms, and a
seventh of the processor went to them (measured)."""
_SPELL_FILES = 256
"""Files that one spell may look at."""


class _Interrupted(Exception):
    """A file was registered meanwhile."""


def scan_of(
    storage: LocalStorage,
    info: ParquetFileInfo,
    digest: str,
    pause: Callable[[], None] = lambda: None,
) -> FileScan | None:
    """What is seen of a registered file, whose footer has this digest.

    Nothing of a damaged one, None of one that cannot be read now. Raises _Interrupted where
    ``pause`` does.
    """
    try:
        return check_file(storage, find_registered(storage, info, digest), pause)
    except _Interrupted:
        raise
    except TransientError:
        return None
    except FileError:
        return UNSCANNED
    except Exception as fault:  # noqa: BLE001 - logged; the canonical reader reads the file
        path = display_path(info.relative_path)
        log_fault(FILE_FAULT, f"{path}: its columns cannot be looked at: {fault}", fault)
        return UNSCANNED


class ScanChecks:
    """Looks at registered files, the newest first."""

    def __init__(
        self,
        storage: LocalStorage,
        register: FileRegister,
        clock: Clock,
        idle_s: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """``idle_s`` says for how long nobody has asked."""
        self._storage, self._register, self._clock = storage, register, clock
        self._idle_s = idle_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scan-check")
        self._running: Future[dict[int, FileScan]] | None = None
        self._interrupt = Event()
        self._quiet_s, self._quiet_due_s = QUIET_S, 0.0
        self._unreadable: set[int] = set()
        self._rested_s = time.monotonic()
        """When the thread that looks began to work again."""

    def close(self) -> None:
        """End the check under way."""
        self._interrupt.set()
        self._thread.shutdown(cancel_futures=True)

    def registered(self) -> None:
        """Files were registered just now."""
        self._interrupt.set()
        self._quiet_due_s = self._clock.monotonic_s() + self._quiet_s

    def next_due_s(self) -> float | None:
        """Monotonic time at which there is something to do; None when there is nothing."""
        if self._running is not None:
            return self._clock.monotonic_s() + POLL_S
        return self._quiet_due_s if self._waiting else None

    def step(self) -> None:
        """Record the spell that is done, and begin the next one. Raises CatalogWriteFailed."""
        if self._running is not None:
            if not self._running.done():
                return
            seen, self._running = self._running.result(), None
            self._register.record_scans(seen)
            if seen:
                self._quiet_s = QUIET_S
            elif self._interrupt.is_set():
                self._quiet_s = min(2 * self._quiet_s, QUIET_S_MAX)
                self._quiet_due_s = self._clock.monotonic_s() + self._quiet_s
        if self._waiting and self._clock.monotonic_s() >= self._quiet_due_s:
            self._interrupt.clear()
            self._running = self._thread.submit(self._look, self._next(), self._rest, SPELL_S)

    def finish(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Everything that can be looked at now, without pauses. Raises CatalogWriteFailed."""
        self._interrupt.clear()
        while not stop() and self._waiting:
            self._register.record_scans(self._look(self._next(), lambda: None, math.inf))

    @property
    def _waiting(self) -> set[int]:
        waiting = self._register.unscanned
        return waiting - self._unreadable if self._unreadable else waiting

    def _next(self) -> list[RegisteredFile]:
        newest = heapq.nlargest(_SPELL_FILES, self._waiting)
        return [self._register.file(file_id) for file_id in newest]

    def _look(
        self, files: list[RegisteredFile], pause: Callable[[], None], spell_s: float
    ) -> dict[int, FileScan]:
        """What is seen of the first of the files, until another one comes or the spell is over."""
        seen: dict[int, FileScan] = {}
        self._rested_s = time.monotonic()
        until_s = self._rested_s + spell_s
        for file in files:
            try:
                scan = self._check(file, pause)
            except _Interrupted:
                break
            if scan is None:
                self._unreadable.add(file.file_id)
            else:
                seen[file.file_id] = scan
            if time.monotonic() > until_s:
                break
        return seen

    def _check(self, file: RegisteredFile, pause: Callable[[], None]) -> FileScan | None:
        """What is seen; nothing of a damaged file, None of one that cannot be read now.

        Raises _Interrupted.
        """
        info = file.info_at(self._storage.absolute(file.relative_path))
        return scan_of(self._storage, info, file.footer_digest, pause)

    def _rest(self) -> None:
        began_s = time.monotonic()
        worked_s = began_s - self._rested_s
        ends_s = began_s + max(_REST_S_MAX, _RESTS_A_WORK * worked_s)
        pause_s = _REST_S
        while True:
            if self._interrupt.wait(pause_s):
                raise _Interrupted
            left_s = ends_s - time.monotonic()
            if left_s <= 0 or self._idle_s() >= ASKED_S:
                self._rested_s = time.monotonic()
                return
            pause_s = min(left_s, _LOOK_S)
