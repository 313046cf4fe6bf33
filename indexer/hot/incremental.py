"""Ask only for what came since the last answer: ReadHot, our own call."""

from indexer.errors import HotUnavailable
from indexer.hot.buffer import HotBuffer
from indexer.hot.decoding import Decoder
from indexer.hot.view import HotLimits, HotView
from indexer.wire.calls import Calls
from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.paths import recent_files


class IncrementalReader:
    """Keeps the buffer in step with the server's log."""

    def __init__(
        self, calls: Calls, decoder: Decoder, limits: HotLimits, storage_root: str
    ) -> None:
        self._calls = calls
        self._limits = limits
        self._root = storage_root
        self._buffer = HotBuffer(decoder, bytes_max=limits.buffer_bytes_max)
        self._in_step = False
        """The last answer came whole. After one that did not, the log may be another, long one."""

    def forget(self) -> None:
        """Free the buffer: another way is taken."""
        self._buffer.clear()
        self._in_step = False

    def read(self) -> HotView:
        """One refresh. Raises Unimplemented or HotUnavailable."""
        state = self._refreshed()
        newest_first = [file.path for file in reversed(state.recent_files)]
        files, problems = recent_files(newest_first, self._root, self._limits.recent_files_max)
        return HotView(
            rows=self._buffer.rows(),
            as_of_unix_nano=state.as_of_unix_nano,
            recent_files=files,
            source="incremental",
            bounded=state.unlisted_files > 0,
            problems=self._buffer.problems + problems,
        )

    def _refreshed(self) -> wire.HotState:
        buffer, limits = self._buffer, self._limits
        timeout_s = limits.deadline_s if self._in_step else limits.first_deadline_s
        self._in_step = False
        buffer.begin()
        state = None
        for message in self._calls.read_hot(buffer.newest_key, buffer.wal_id, timeout_s):
            buffer.add(message.requests)
            if message.HasField("state"):
                state = message.state
        if state is None or not state.wal_id:
            raise HotUnavailable("ReadHot ended without the state of a log")
        buffer.finish(state)
        self._in_step = True
        return state
