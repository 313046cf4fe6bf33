"""Which registered files give their attributes next: the newest, as soon as their bytes can be had.

Pure: time is a parameter. Taking one costs the same however many wait: each file is pushed once
and popped once, and one that left the index meanwhile is dropped when it is popped.
"""

import heapq
from collections.abc import Callable, Iterable

Modified = Callable[[int], int]
"""Modification time of a registered file, in nanoseconds since 1970, by its file_id."""


class PromotionQueue:
    """File ids, newest file first, beside those that wait for another try."""

    def __init__(self, behind: dict[int, frozenset[int]], modified: Modified) -> None:
        """``behind`` has the ids of all files that have not given their attributes.

        It is asked anew each time; an id that comes into it is larger than all before.
        """
        self._behind = behind
        self._modified = modified
        self._ready: list[tuple[int, int]] = []
        """(negative modification time, id)."""
        self._waiting: list[tuple[float, int]] = []
        """(when it is due, id)."""
        self._failures: dict[int, int] = {}
        self._latest = 0
        self._add(behind)
        self._latest = max(behind, default=0)

    def take(self, count: int, now_s: float) -> list[int]:
        """Up to so many ids that are due, newest file first. They are the caller's."""
        self._admit()
        while self._waiting and self._waiting[0][0] <= now_s:
            _, file_id = heapq.heappop(self._waiting)
            self._add([file_id])
        taken: list[int] = []
        while len(taken) < count and self._has_ready():
            taken.append(heapq.heappop(self._ready)[1])
        return taken

    def give_back(self, file_ids: Iterable[int]) -> None:
        """Ids that were taken and not tried."""
        self._add(file_ids)

    def postpone(self, file_id: int, pause_s: Callable[[int], float], now_s: float) -> None:
        """A taken one cannot be had now; ``pause_s`` of its failures says how long it waits."""
        failures = self._failures.get(file_id, 0) + 1
        self._failures[file_id] = failures
        heapq.heappush(self._waiting, (now_s + pause_s(failures), file_id))

    def done(self, file_id: int) -> None:
        """A taken one has given its attributes, or never will."""
        self._failures.pop(file_id, None)

    def has_ready(self) -> bool:
        """Whether one is due whatever the time."""
        self._admit()
        return self._has_ready()

    def next_due_s(self) -> float | None:
        """When the first of those that wait is due; None when none waits."""
        while self._waiting and self._waiting[0][1] not in self._behind:
            _, file_id = heapq.heappop(self._waiting)
            self._failures.pop(file_id, None)
        return self._waiting[0][0] if self._waiting else None

    def _has_ready(self) -> bool:
        while self._ready and self._ready[0][1] not in self._behind:
            self._failures.pop(heapq.heappop(self._ready)[1], None)
        return bool(self._ready)

    def _admit(self) -> None:
        """Files that were registered since the last look: the last ids of all."""
        newest = self._latest
        for file_id in reversed(self._behind):
            if file_id <= self._latest:
                break
            newest = max(newest, file_id)
            self._add([file_id])
        self._latest = newest

    def _add(self, file_ids: Iterable[int]) -> None:
        for file_id in file_ids:
            if file_id in self._behind:
                heapq.heappush(self._ready, (-self._modified(file_id), file_id))
            else:
                self._failures.pop(file_id, None)
