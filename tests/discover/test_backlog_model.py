"""The queue of files to read against a simpler one, through histories that nobody would think of.

The model is the queue without its heap: every take sorts all there is.
"""

import math
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from indexer.discover.backlog import Backlog
from indexer.model import ParquetFileInfo
from tests.discover.sightings import seen
from tests.support.examples import examples


@dataclass
class _Wait:
    info: ParquetFileInfo
    due_s: float
    tries: int = 0
    since_s: float | None = None


_paths = st.sampled_from("abcde")
_few = st.integers(1, 4)


class BacklogAndModel(RuleBasedStateMachine):
    """Files come, change, are read, wait and go; both queues must hand out the same ones."""

    def __init__(self):
        super().__init__()
        self.backlog = Backlog()
        self.ready: dict[str, ParquetFileInfo] = {}
        self.waits: dict[str, _Wait] = {}
        self.in_hand: dict[str, ParquetFileInfo] = {}
        self.now_s = 0.0

    @rule(path=_paths, size=_few, time=_few)
    def sight(self, path, size, time):
        info = self.in_hand.get(path) or seen(path, size=size, time=time)
        self.backlog.offer(info)
        waits = path in self.waits and self.waits[path].info.stamp == info.stamp
        if not waits and path not in self.in_hand:
            self.ready[path] = info

    @rule(files_max=_few, bytes_max=st.integers(1, 12))
    def take(self, files_max, bytes_max):
        for path, wait in self.waits.items():
            if wait.due_s <= self.now_s and path not in self.in_hand:
                self.ready.setdefault(path, wait.info)
                wait.due_s = math.inf
        expected, size = [], 0
        for info in sorted(self.ready.values(), key=lambda i: (-i.modified_unix_nano, i.path)):
            size += info.size_bytes
            if len(expected) == files_max or (expected and size > bytes_max):
                break
            expected.append(info)
        found = self.backlog.take(files_max=files_max, bytes_max=bytes_max, now_s=self.now_s)
        assert found == expected
        for info in expected:
            self.in_hand[info.relative_path] = self.ready.pop(info.relative_path)

    @rule(seconds=_few)
    def time_passes(self, seconds):
        self.now_s += seconds

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data())
    def register(self, data):
        path = data.draw(st.sampled_from(sorted(self.in_hand)))
        self.waits.pop(path, None)
        self.backlog.done(self.in_hand.pop(path))

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data())
    def give_back(self, data):
        path = data.draw(st.sampled_from(sorted(self.in_hand)))
        self.waits.pop(path, None)
        self.ready[path] = self.in_hand.pop(path)
        self.backlog.give_back(self.ready[path])

    @rule(path=_paths)
    def vanish(self, path):
        for known in (self.in_hand, self.waits, self.ready):
            known.pop(path, None)
        self.backlog.drop(path)

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data(), settle_s=_few)
    def find_no_footer(self, data, settle_s):
        path = data.draw(st.sampled_from(sorted(self.in_hand)))
        info = self.in_hand[path]
        since_s = self._footerless_since(info)
        since_s = self.now_s if since_s is None else since_s
        waits = since_s + settle_s > self.now_s
        assert self.backlog.unfinished(info, settle_s=settle_s, now_s=self.now_s) == waits
        if waits:
            del self.in_hand[path]
            self.waits[path] = _Wait(info, since_s + settle_s, since_s=since_s)
        else:
            tries = self.waits[path].tries if path in self.waits else 0
            self.waits[path] = _Wait(info, math.inf, tries=tries, since_s=since_s)
        assert self.backlog.has_settled(info, settle_s=settle_s, now_s=self.now_s) != waits

    def _footerless_since(self, info):
        before = self.waits.get(info.relative_path)
        return before.since_s if before and before.info.stamp == info.stamp else None

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data(), backoff_s=_few)
    def fail_for_now(self, data, backoff_s):
        path = data.draw(st.sampled_from(sorted(self.in_hand)))
        info = self.in_hand.pop(path)
        tries = self.waits[path].tries + 1 if path in self.waits else 1
        since_s = self._footerless_since(info)
        assert self.backlog.postpone(info, backoff_s=backoff_s, now_s=self.now_s) == tries
        self.waits[path] = _Wait(info, self.now_s + backoff_s, tries=tries, since_s=since_s)

    @invariant()
    def both_know_the_same_files(self):
        assert self.backlog.ready == self.ready
        assert self.backlog.waiting.keys() == self.waits.keys()
        assert all(self.backlog.tries(path) == wait.tries for path, wait in self.waits.items())

    @invariant()
    def both_wake_at_the_same_time(self):
        due = [wait.due_s for path, wait in self.waits.items() if path not in self.in_hand]
        assert (self.backlog.next_due_s() or math.inf) == min(due, default=math.inf)


TestBacklogAndModel = BacklogAndModel.TestCase
TestBacklogAndModel.settings = examples(30, stateful_step_count=30)
