"""Files waiting to be read, newest first, each at most once. Pure: time is a parameter.

A file is *ready*, or it *waits*: for its writer to finish it, or for a transient error to pass.
A sighting with another size or time makes it ready at once.
"""

import heapq
import math
from dataclasses import field

from indexer.deferred_dataclass import dataclass
from indexer.discover.settle import Observation, observe, settles_at_s
from indexer.model import ParquetFileInfo


@dataclass(slots=True)
class _Waiting:
    info: ParquetFileInfo
    due_s: float
    tries: int = 0
    observation: Observation | None = None


@dataclass(slots=True)
class Backlog:
    """``ready`` files by path; ``waiting`` ones with the time they are due; ``in_hand`` ones.

    A file in hand was taken and is being read; ``done``, ``unfinished`` or ``postpone`` end that.
    """

    ready: dict[str, ParquetFileInfo] = field(default_factory=dict)
    in_hand: dict[str, ParquetFileInfo] = field(default_factory=dict)
    waiting: dict[str, _Waiting] = field(default_factory=dict)
    sightings: int = 0
    """How often a file was sighted that was not known as it is."""
    _newest: list[tuple[int, str]] = field(default_factory=list)
    _due: list[tuple[float, str]] = field(default_factory=list)
    """Of waiting files, earliest first; entries that no longer say when one is due are passed."""

    def __len__(self) -> int:
        return len(self.paths())

    def __contains__(self, relative_path: str) -> bool:
        return any(relative_path in one for one in (self.ready, self.in_hand, self.waiting))

    def paths(self) -> set[str]:
        """Relative paths of all files that are not decided. For any thread."""
        return {*self.ready, *self.in_hand, *self.waiting}

    def unfinished_paths(self) -> set[str]:
        """Those that wait because they had no footer, and were not seen otherwise since.

        For any thread.
        """
        waiting = list(self.waiting.items())
        paths = {path for path, one in waiting if one.observation is not None and not one.tries}
        return paths.difference(self.ready, self.in_hand)

    def files(self) -> list[ParquetFileInfo]:
        """All files that are not decided, as they were last seen."""
        waiting = {path: one.info for path, one in self.waiting.items()}
        return list({**waiting, **self.in_hand, **self.ready}.values())

    def offer(self, info: ParquetFileInfo) -> None:
        """A file was sighted. The same bytes keep their place; other bytes are ready at once."""
        path = info.relative_path
        waiting = self.waiting.get(path)
        seen = (waiting.info if waiting else None, self.in_hand.get(path))
        if any(one is not None and one.stamp == info.stamp for one in seen):
            return
        self.sightings += 1
        self.ready[path] = info
        heapq.heappush(self._newest, (-info.modified_unix_nano, path))

    def take(self, *, files_max: int, bytes_max: int, now_s: float) -> list[ParquetFileInfo]:
        """The newest ready files, at least one if any, up to the limits; they leave the ready."""
        self._wake(now_s)
        taken: list[ParquetFileInfo] = []
        size = 0
        while self._newest and len(taken) < files_max:
            negative_time, path = self._newest[0]
            info = self.ready.get(path)
            if info is None or info.modified_unix_nano != -negative_time:
                heapq.heappop(self._newest)  # superseded by a later sighting, or dropped
                continue
            if taken and size + info.size_bytes > bytes_max:
                break
            heapq.heappop(self._newest)
            del self.ready[path]
            if path in self.waiting:
                self.waiting[path].due_s = math.inf  # its history is still needed
            self.in_hand[path] = info
            taken.append(info)
            size += info.size_bytes
        return taken

    def unfinished(self, info: ParquetFileInfo, *, settle_s: float, now_s: float) -> bool:
        """A footerless file was read. True: it may still grow and waits. False: it has settled.

        A settled one stays in hand, with its history, until it is done or postponed.
        """
        waiting = self.waiting.get(info.relative_path)
        observation = observe(waiting.observation if waiting else None, info.stamp, now_s)
        due_s = settles_at_s(observation, settle_s)
        if due_s <= now_s:
            tries = waiting.tries if waiting else 0
            self.waiting[info.relative_path] = _Waiting(info, math.inf, tries, observation)
            return False
        self.in_hand.pop(info.relative_path, None)
        self._wait(_Waiting(info, due_s, observation=observation))
        return True

    def has_settled(self, info: ParquetFileInfo, *, settle_s: float, now_s: float) -> bool:
        """Whether these bytes were seen without a footer, unchanged for the settle time."""
        waiting = self.waiting.get(info.relative_path)
        seen = waiting.observation if waiting else None
        return (
            seen is not None and seen.stamp == info.stamp and settles_at_s(seen, settle_s) <= now_s
        )

    def postpone(self, info: ParquetFileInfo, *, backoff_s: float, now_s: float) -> int:
        """A transient error: try again after ``backoff_s``. Returns how often it was tried."""
        self.in_hand.pop(info.relative_path, None)
        waiting = self.waiting.get(info.relative_path)
        tries = (waiting.tries if waiting else 0) + 1
        observation = waiting.observation if waiting else None
        self._wait(_Waiting(info, now_s + backoff_s, tries, observation))
        return tries

    def tries(self, relative_path: str) -> int:
        """How often a transient error has put the file off."""
        waiting = self.waiting.get(relative_path)
        return waiting.tries if waiting else 0

    def has_unfinished(self) -> bool:
        """Whether a file may still be growing; one that was put off has settled before."""
        return any(one.observation is not None and not one.tries for one in self.waiting.values())

    def give_back(self, info: ParquetFileInfo) -> None:
        """A file in hand was not read after all; it is ready again."""
        self.in_hand.pop(info.relative_path, None)
        self.waiting.pop(info.relative_path, None)
        if info.relative_path not in self.ready:
            self.offer(info)

    def done(self, info: ParquetFileInfo) -> None:
        """These bytes were registered or refused. Other bytes sighted meanwhile stay ready."""
        self.in_hand.pop(info.relative_path, None)
        self.waiting.pop(info.relative_path, None)
        ready = self.ready.get(info.relative_path)
        if ready is not None and ready.stamp == info.stamp:
            del self.ready[info.relative_path]

    def drop(self, relative_path: str) -> None:
        """The file is gone, or is not to be read."""
        self.in_hand.pop(relative_path, None)
        self.ready.pop(relative_path, None)
        self.waiting.pop(relative_path, None)

    def next_due_s(self) -> float | None:
        """When the earliest waiting file is due; None when none waits."""
        while self._due and not self._is_due_then(*self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def _wait(self, waiting: _Waiting) -> None:
        self.waiting[waiting.info.relative_path] = waiting
        heapq.heappush(self._due, (waiting.due_s, waiting.info.relative_path))

    def _wake(self, now_s: float) -> None:
        """Waiting files that are due become ready. Their history stays until they are settled."""
        while self._due and self._due[0][0] <= now_s:
            due_s, path = heapq.heappop(self._due)
            if not self._is_due_then(due_s, path):
                continue
            waiting = self.waiting[path]
            waiting.due_s = math.inf
            if path not in self.ready:
                self.ready[path] = waiting.info
                heapq.heappush(self._newest, (-waiting.info.modified_unix_nano, path))

    def _is_due_then(self, due_s: float, path: str) -> bool:
        waiting = self.waiting.get(path)
        return waiting is not None and waiting.due_s == due_s
