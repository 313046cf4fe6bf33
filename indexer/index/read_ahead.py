"""Groups of files on their way to a transaction: taken from the backlog, read while one commits."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from indexer.discover.backlog import Backlog
from indexer.model import Limits, ParquetFileInfo
from indexer.read.group import GroupRead
from indexer.system.clock import Clock

Read = Callable[[Sequence[ParquetFileInfo]], GroupRead]
"""Reads a group. Raises nothing of a file's."""


class ReadAhead:
    """Reader tasks over one backlog, a bounded number before they are asked for."""

    def __init__(
        self,
        backlog: Backlog,
        limits: Limits,
        clock: Clock,
        readers: ThreadPoolExecutor,
        read: Read,
        is_known: Callable[[ParquetFileInfo], bool],
    ) -> None:
        """``is_known`` tells files that need not be read after all."""
        self._backlog = backlog
        self._limits = limits
        self._clock = clock
        self._readers = readers
        self._read = read
        self._is_known = is_known
        self._ahead: deque[tuple[list[ParquetFileInfo], Future[GroupRead]]] = deque()

    def next_transaction(self, stop: Callable[[], bool]) -> GroupRead:
        """Groups of files as they are read, until they fill a transaction or none is left.

        A file that comes alone is committed alone and at once; a backlog in few, large steps. One
        that was written anew since it was read has its new content in a transaction after that.
        """
        collected = GroupRead(taken=[])
        limits = self._limits
        while len(collected.taken) < limits.batch_files and collected.spans < limits.batch_spans:
            while len(self._ahead) <= limits.read_ahead and not stop():
                taken = self._take(limits.batch_files - len(collected.taken))
                if not taken:
                    break
                self._ahead.append((taken, self._readers.submit(self._read, taken)))
            if not self._ahead or stop() or self._repeats(collected):
                break
            collected.add(self._ahead.popleft()[1].result())
        return collected

    def _repeats(self, collected: GroupRead) -> bool:
        """Whether the next group has a file of those that are collected."""
        paths = {info.relative_path for info in collected.taken}
        return any(info.relative_path in paths for info in self._ahead[0][0])

    def give_back(self) -> None:
        """What was not asked for is ready again."""
        while self._ahead:
            taken, future = self._ahead.popleft()
            future.cancel()
            for info in taken:
                self._backlog.give_back(info)

    def _take(self, files_max: int) -> list[ParquetFileInfo]:
        """The next group to read: ready files that the index does not have as they are."""
        while taken := self._backlog.take(
            files_max=min(files_max, self._limits.group_files),
            bytes_max=self._limits.group_bytes,
            now_s=self._clock.monotonic_s(),
        ):
            wanted: list[ParquetFileInfo] = []
            for info in taken:
                if self._is_known(info):
                    self._backlog.drop(info.relative_path)
                else:
                    wanted.append(info)
            if wanted:
                return wanted
        return []
