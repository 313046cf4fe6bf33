"""The log against a list in memory, whatever is done to it and in which order."""

import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from indexer.ingest.log_reader import WalState
from indexer.ingest.wal import Wal
from tests.support.examples import examples
from tests.support.fake_clock import FakeClock


class LogModel(RuleBasedStateMachine):
    """Requests are (key, body, spans); files are (path, spans), oldest first."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.path = Path(self.folder.name) / "log"
        self.wal = Wal.open(self.path, synchronous="OFF", clock=self.clock)
        self.requests, self.files = [], []
        self.newest = self.flushed = b""
        self.begun, self.number = None, 0

    @rule(
        sizes=st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 5)), min_size=1, max_size=5)
    )
    def append(self, sizes):
        """Several at once: they may share a commit."""
        added = [(bytes([self.number % 256]) * size, spans) for size, spans in sizes]
        futures = [self.wal.append(body, spans) for body, spans in added]
        for future, (body, spans) in zip(futures, added, strict=True):
            key = future.result(100)
            assert key > self.newest
            self.newest = key
            self.requests.append((key, body, spans))

    @rule(rows_max=st.integers(1, 8), bytes_max=st.integers(1, 80_000))
    def begin_flush(self, rows_max, bytes_max):
        planned = self.wal.next_range(rows_max=rows_max, bytes_max=bytes_max)
        if not self.requests:
            assert planned is None
            return
        count = self.begun or self.fitting(rows_max, bytes_max)
        ends = (self.requests[0][0], self.requests[count - 1][0], count)
        assert (planned.first_key, planned.last_key, planned.request_count) == ends
        self.wal.flushing(planned.first_key, planned.last_key)
        self.begun = count

    def fitting(self, rows_max, bytes_max):
        count = rows = size = 0
        for _, body, spans in self.requests:
            rows, size = rows + spans, size + len(body)
            if count and (rows > rows_max or size > bytes_max):
                break
            count += 1
        return count

    @precondition(lambda self: self.begun)
    @rule(has_file=st.booleans())
    def end_flush(self, has_file):
        done, self.requests = self.requests[: self.begun], self.requests[self.begun :]
        self.number += 1
        spans = sum(spans for _, _, spans in done)
        path = f"/{self.number}.parquet" if has_file else None
        self.wal.mark_flushed(done[-1][0], path, spans)
        self.flushed, self.begun = done[-1][0], None
        if has_file:
            self.files.append((path, spans))

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def confirm(self, data):
        gone = data.draw(st.lists(st.sampled_from(self.files), max_size=3))
        self.wal.confirm([path for path, _ in gone] + ["/unknown.parquet"])
        self.files = [file for file in self.files if file not in gone]

    @rule(seconds=st.integers(-100_000, 100_000))
    def step_clock(self, seconds):
        self.clock.step_wall(seconds)

    @rule()
    def reopen(self):
        wal_id = self.wal.wal_id
        self.wal.close()
        self.wal = Wal.open(self.path, synchronous="OFF", clock=self.clock)
        assert self.wal.wal_id == wal_id

    @rule(rows_max=st.integers(1, 4), data=st.data())
    def read(self, rows_max, data):
        keys = [b"", self.newest, *(key for key, _, _ in self.requests)]
        after = data.draw(st.sampled_from(keys))
        found = self.wal.read_after(after, rows_max=rows_max)
        wanted = [one for one in self.requests if one[0] > after][:rows_max]
        assert [(one.key, one.body, one.span_count) for one in found] == wanted

    @invariant()
    def the_log_is_the_model(self):
        if not hasattr(self, "wal"):
            return
        *batches, state = self.wal.snapshot(b"", rows_max=3)
        assert isinstance(state, WalState)
        found = [(one.key, one.body, one.span_count) for batch in batches for one in batch]
        assert found == self.requests
        assert [(file.path, file.span_count) for file in state.recent_files] == self.files
        assert (state.newest_key, state.flushed_key) == (self.newest, self.flushed)
        assert state.pending_spans == sum(spans for _, _, spans in self.requests)
        assert state.pending_bytes == sum(len(body) for _, body, _ in self.requests)
        assert state.oldest_key == (self.requests[0][0] if self.requests else None)

    def teardown(self):
        if hasattr(self, "wal"):
            self.wal.close()
            self.folder.cleanup()


LogModel.TestCase.settings = examples(20, stateful_step_count=25)
TestLogModel = LogModel.TestCase
