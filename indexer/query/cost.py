"""What one answer may cost, what it has cost so far, and what it came to."""

import time
from dataclasses import field

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryTooLarge
from indexer.query.limits import AnswerLimits
from indexer.read.tally import Tally
from indexer.system.budget import Reservation

BYTES_PER_TEXT_BYTE = 4
"""What a byte of payload takes while it is Python's values and again JSON (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an answer has cost."""

    files_read: int = 0
    bytes_read: int = 0
    """Compressed, as they lie in the files."""
    files_left: int = 0
    """Files that a search has not looked into yet and that may have more of it: its cursor does."""
    index_ms: float = 0.0
    """Until it was known which spans they are."""
    payload_ms: float = 0.0
    """While their payload was read."""


NO_COST = Cost()


@dataclass(slots=True, kw_only=True)
class CostAccount:
    """The running account of one answer, on one thread; it ends in a ``Cost``."""

    limits: AnswerLimits = field(default_factory=AnswerLimits)
    held: Reservation | None = None
    """Of the budget that all answers share."""
    tally: Tally = field(default_factory=Tally)
    _began_s: float = field(default_factory=time.perf_counter)
    _index_ms: float | None = None
    _payload_ms: float = 0.0
    _read_from_s: float = 0.0
    _files: set[str] = field(default_factory=set)
    files_left: int = 0
    """Of a search that has cost what it may."""
    _spans: int = 0

    def open_file(self, path: str) -> None:
        """A file is read, whether or not that succeeds; reading it again costs no other file."""
        self._files.add(path)

    def hold(self, spans: int) -> None:
        """Hold the payload that was read so far, of so many more spans.

        Raises QueryTooLarge, with a number of spans that is not, and QueriesBusy.
        """
        if self.tally.text_bytes > self.limits.payload_bytes:
            fewer = max(1, self._spans or spans // 2)
            raise QueryTooLarge(
                f"the answer has at least {self.tally.text_bytes:,} bytes of payload, "
                f"limit {self.limits.payload_bytes:,}",
                hint=f"Narrow it with since and until, or ask for {fewer:,} spans at a time.",
            )
        self._spans += spans
        if self.held is not None:
            self.held.grow(self.tally.text_bytes - self.held.held_bytes)

    @property
    def is_search_spent(self) -> bool:
        """Whether looking for spans has cost what it may."""
        return (
            len(self._files) >= self.limits.search_files
            or self.tally.bytes_read >= self.limits.search_bytes
            or time.perf_counter() - self._began_s >= self.limits.search_s
        )

    @property
    def is_last_file(self) -> bool:
        """Whether looking for spans may read no file after the next one."""
        return self.is_search_spent or len(self._files) + 1 >= self.limits.search_files

    def begin_reading(self) -> None:
        """Payload is read from now on: it is known which spans they are."""
        self._read_from_s = time.perf_counter()
        self._index_ms = (self._read_from_s - self._began_s) * 1e3

    def end_reading(self) -> None:
        """All of it is read."""
        self._payload_ms = (time.perf_counter() - self._read_from_s) * 1e3

    def total(self) -> Cost:
        """What it has come to; where no payload is read, all of the time is the index's."""
        elapsed_ms = (time.perf_counter() - self._began_s) * 1e3
        return Cost(
            files_read=len(self._files),
            bytes_read=self.tally.bytes_read,
            files_left=self.files_left,
            index_ms=elapsed_ms if self._index_ms is None else self._index_ms,
            payload_ms=self._payload_ms,
        )
