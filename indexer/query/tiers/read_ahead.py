"""What a search reads of the next file, on one more thread, while it looks at this one.

Reading is a third to a half of a search, and lets go of the interpreter's lock. One batch of rows
of one file is read ahead, so that it is bounded in memory, and little is lost where a search ends
before that file. What is read counts when it is asked for.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from indexer.read.payload_table import PayloadTable
from indexer.read.tally import Tally

Read = Callable[[Tally], Generator[PayloadTable]]
"""Begins to read a file; what it costs is counted where it says."""
_Begun = tuple[Generator[PayloadTable], Future[PayloadTable | None], Tally]


class ReadAhead:
    """The thread of one search. Leaving it waits for what is being read."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._begun: dict[str, _Begun] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        for tables, _, _ in self._begun.values():
            tables.close()

    def begin(self, path: str, read: Read) -> None:
        """Read the first rows of a file, if none is being read."""
        if self._begun:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "read-ahead")
        tally = Tally()
        tables = read(tally)
        self._begun[path] = (tables, self._thread.submit(next, tables, None), tally)

    def tables(self, path: str, read: Read, tally: Tally) -> Iterator[PayloadTable]:
        """All rows of a file, those that were read ahead first. Raises what reading them raises."""
        begun = self._begun.pop(path, None)
        if begun is None:
            yield from read(tally)
            return
        rest, future, counted = begun
        try:
            first = future.result()
        finally:
            tally.bytes_read += counted.bytes_read
        if first is not None:
            yield first
            yield from rest
