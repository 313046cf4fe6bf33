"""What a search reads of the next file, on one more thread, while it looks at this one.

Reading is a third to a half of a search, and lets go of the interpreter's lock. Few rows
wait to be looked at, so that memory is bounded, and little is lost where a search ends before that
file. What is read counts when it is asked for.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from indexer.read.payload_table import TABLE_BYTES, PayloadTable
from indexer.read.tally import Tally

Read = Callable[[Tally], Generator[PayloadTable]]
"""Begins to read a file; what it costs is counted where it says."""
WAITING_MAX = 1
"""Tables of one file that were read and not looked at."""
WAITING_BYTES = WAITING_MAX * (TABLE_BYTES + (3 << 20))
"""What they take at 800 bytes a row, and a batch more."""


class ReadAhead:
    """The thread of one search. Leaving it waits for the batch that is being read."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._begun: dict[str, _FileReading] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for reading in self._begun.values():
            reading.stop()
        if self._thread is not None:
            self._thread.shutdown()

    def begin(self, path: str, read: Read) -> None:
        """Read a file after those that were begun before."""
        if path in self._begun:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "read-ahead")
        reading = self._begun[path] = _FileReading(read)
        self._thread.submit(reading.run)

    def tables(self, path: str, read: Read, tally: Tally) -> Generator[PayloadTable]:
        """All rows of a file. Raises what reading them raises.

        Files that were begun before this one and were not asked for are given up.
        """
        if path not in self._begun:
            yield from read(tally)
            return
        for earlier in list(self._begun)[: list(self._begun).index(path)]:
            self._begun.pop(earlier).stop()
        reading = self._begun[path]
        try:
            yield from reading.tables()
        finally:
            reading.stop()
            del self._begun[path]
            tally.bytes_read += reading.tally.bytes_read


class _FileReading:
    """One file, that one thread reads and another looks at."""

    def __init__(self, read: Read) -> None:
        self.tally = Tally()
        self._read = read
        self._room = threading.Semaphore(WAITING_MAX)
        self._is_stopped = False
        self._waiting: SimpleQueue[PayloadTable | BaseException | None] = SimpleQueue()
        """None is the end."""

    def run(self) -> None:
        """Read until the end, or until it is stopped."""
        try:
            with closing(self._read(self.tally)) as tables:
                while self._has_room() and (table := next(tables, None)) is not None:
                    self._waiting.put(table)
            self._waiting.put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised by who asks for the rows
            self._waiting.put(error)

    def tables(self) -> Iterator[PayloadTable]:
        """All that is read, in order."""
        while (found := self._waiting.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            self._room.release()
            yield found

    def stop(self) -> None:
        """Nobody asks for the rest."""
        self._is_stopped = True
        self._room.release()

    def _has_room(self) -> bool:
        """Waits until another batch may be read; False where none is to be."""
        self._room.acquire()
        return not self._is_stopped
