"""Server-sent events (WHATWG HTML 9.2): streams that are counted, and that no slow reader holds up.

What a reader has no room for is dropped and counted in an event of its own. A comment is sent when
nothing else was for a while, so that both ends know of each other.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from indexer.clients.shared.time_limits import HEARTBEAT_S
from indexer.errors import QueriesBusy
from indexer.system.usage import Usage

STREAMS_MAX = 16
"""A pool of their own: a stream is not a question, and ends when its reader wants."""
EVENTS_MAX = 2_000
"""Of one stream that wait to be read."""
BYTES_MAX = 8 << 20
"""The same in bytes."""
MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_AT_ONCE = 64
"""Events that are written together, before the reader's pace is felt."""


def event(name: str, data: bytes) -> bytes:
    """One event; ``data`` is a text of one line."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


class EventStream:
    """One reader's queue, filled from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = asyncio.Event()
        self._lock = Lock()
        self._queue: deque[bytes] = deque()
        self._bytes = self._dropped = 0
        self._end: str | None = None

    @property
    def room(self) -> int:
        """Events that still have place."""
        with self._lock:
            return 0 if self._bytes >= BYTES_MAX else EVENTS_MAX - len(self._queue)

    def offer(self, events: Sequence[bytes], dropped: int = 0) -> None:
        """Take as many as there is room for; ``dropped`` are others that nobody made."""
        with self._lock:
            for at, one in enumerate(events):
                if len(self._queue) >= EVENTS_MAX or self._bytes + len(one) > BYTES_MAX:
                    dropped += len(events) - at
                    break
                self._queue.append(one)
                self._bytes += len(one)
            self._dropped += dropped
        self._wake()

    def end(self, reason: str) -> None:
        """The reader is told why, once it has read what waits."""
        with self._lock:
            self._end = reason
        self._wake()

    async def content(self, *, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[bytes]:
        """What the reader is sent, until the end."""
        while True:
            events, dropped, end = self._taken()
            if events:
                yield b"".join(events)
            if dropped:
                yield event("dropped", _json(events=dropped))
            if end is not None:
                yield event("end", _json(reason=end))
                return
            if not (events or dropped):
                try:
                    await asyncio.wait_for(self._changed.wait(), heartbeat_s)
                except TimeoutError:
                    yield b": nothing new\n\n"

    def _taken(self) -> tuple[list[bytes], int, str | None]:
        """Events in their order, and, where no more of them wait, what was dropped and the end."""
        with self._lock:
            self._changed.clear()
            events = [self._queue.popleft() for _ in range(min(_AT_ONCE, len(self._queue)))]
            self._bytes -= sum(map(len, events))
            if self._queue:
                return events, 0, None
            dropped, self._dropped = self._dropped, 0
            return events, dropped, self._end

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)


class EventResponse(StreamingResponse):
    """What a stream's reader is answered; at its end, however it comes, the stream is given up."""

    media_type = MEDIA_TYPE

    def __init__(self, stream: EventStream, release: Callable[[], None]) -> None:
        super().__init__(stream.content(), headers=HEADERS)
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the end, or until the reader has gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()


class EventStreams:
    """All streams of one application."""

    def __init__(self, most: int = STREAMS_MAX) -> None:
        self._most = most
        self._open: set[EventStream] = set()
        self._lock = Lock()
        self._stopping = False

    @property
    def usage(self) -> Usage:
        """Streams that are open, of all that may be."""
        with self._lock:
            return Usage(in_use=len(self._open), limit=self._most)

    @contextmanager
    def opened(self) -> Iterator[EventStream]:
        """A stream for as long as its reader is there. Raises QueriesBusy without a place."""
        stream = EventStream(asyncio.get_running_loop())
        with self._lock:
            if self._stopping:
                raise QueriesBusy("the service is stopping")
            if len(self._open) >= self._most:
                raise QueriesBusy(f"{self._most} streams are already open")
            self._open.add(stream)
        try:
            yield stream
        finally:
            with self._lock:
                self._open.discard(stream)

    def close(self) -> None:
        """End every stream, and open no more."""
        with self._lock:
            self._stopping = True
            streams = list(self._open)
        for stream in streams:
            stream.end("the service is stopping")


def _json(**values: Any) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()
