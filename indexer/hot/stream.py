"""Read every unflushed span from the oldest on: ReadSpans, what the first generation offers.

A message without span bytes is a cursor: it closes an answer, or stands for a row that the server
could not read. A span with an empty resource is a span. There is no list of recent files, so a
span that is flushed while it is read, or before it is indexed, can be missed: always ``bounded``.
"""

import pyarrow as pa

from indexer.hot.decoding import Decoder, decode_parts
from indexer.hot.view import DecodedRows, HotLimits, HotView
from indexer.system.clock import Clock
from indexer.system.counted_nouns import counted
from indexer.wire.calls import Calls

CHUNK_SPANS = 10_000
"""Decoded at once: the bound on memory is looked at in between."""


class StreamReader:
    """Reads answer after answer until one brings nothing new."""

    def __init__(self, calls: Calls, decoder: Decoder, limits: HotLimits, clock: Clock) -> None:
        self._calls = calls
        self._decoder = decoder
        self._limits = limits
        self._clock = clock

    def read(self) -> HotView:
        """Everything, once. Raises Unimplemented or HotUnavailable."""
        as_of = self._clock.now_unix_nano()
        until = self._clock.monotonic_s() + self._limits.deadline_s
        taken = _Taken(self._decoder, self._limits)
        asked, following = None, b""
        while following != asked and not taken.is_full:
            asked = following
            left_s = max(until - self._clock.monotonic_s(), 0.0)
            for message in self._calls.read_spans(asked, left_s):
                following = message.key_ulid or following
                if message.span_bytes and not taken.take(
                    message.span_bytes, message.resource_bytes
                ):
                    break
        return HotView(
            rows=DecodedRows(taken.table()),
            as_of_unix_nano=as_of,
            recent_files=(),
            source="stream",
            bounded=True,
            problems=taken.problems(),
        )


class _Taken:
    """Spans as they come, decoded in chunks, up to a limit."""

    def __init__(self, decoder: Decoder, limits: HotLimits) -> None:
        self._decoder = decoder
        self._limits = limits
        self._waiting: list[tuple[bytes, bytes]] = []
        self._tables = [decoder.empty()]
        self._unreadable = 0
        self._rows = 0
        self._nbytes = 0
        self.is_full = False

    def take(self, span: bytes, resource: bytes) -> bool:
        """Whether there is room for more."""
        self._waiting.append((span, resource))
        if len(self._waiting) == CHUNK_SPANS:
            self._decode()
        return not self.is_full

    def table(self) -> pa.Table:
        """What was taken."""
        self._decode()
        return pa.concat_tables(self._tables)

    def problems(self) -> tuple[str, ...]:
        """Why something is left out."""
        found = []
        if self.is_full:
            found.append(f"the stream is too large: the newest are left out after {self._rows}")
        if self._unreadable:
            found.append(counted(self._unreadable, "span does not decode", "spans do not decode"))
        return tuple(found)

    def _decode(self) -> None:
        pairs, self._waiting = self._waiting, []
        if not pairs:
            return
        found = decode_parts(self._decoder.pairs, pairs, None)
        self._unreadable += len(found.unreadable)
        self._rows += found.table.num_rows
        self._nbytes += found.table.nbytes
        if self._nbytes > self._limits.buffer_bytes_max or self._rows > self._limits.rows_max:
            self._rows -= found.table.num_rows
            self.is_full = True
        else:
            self._tables.append(found.table)
