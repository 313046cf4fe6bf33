"""One TCP connection of the dashboards' service, and how long its client may take.

uvicorn ends a connection that is idle after an answer. It has no limit for one that never sends a
whole request, sends it a byte at a time, or does not read its answer; those limits are here.
"""

import asyncio
import json
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_MAX = 256
"""With the files that a question opens, well below the 1024 descriptors that systems give."""
REQUEST_S = 5.0
"""From the first moment of a connection, or the end of the last answer, to the end of a request."""
ANSWER_S = 30.0
"""How long a client may leave the bytes of an answer unread."""
_WHOLE = frozenset({h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR})
"""States of a client that has sent what it had to."""


class Connection(H11Protocol):
    """A connection that ends when its client is too slow, or when others need its place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request_due: asyncio.TimerHandle | None = None
        self._answer_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for it, and begin to wait for its request."""
        if len(self.connections) >= CONNECTIONS_MAX:
            self._end_longest_idle()
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget its limits."""
        _cancel(self._request_due)
        _cancel(self._answer_due)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Stop the clock once the request is whole."""
        super().data_received(data)
        if self.conn.their_state in _WHOLE:
            _cancel(self._request_due)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        if self.conn.their_state not in _WHOLE and not self.transport.is_closing():
            self._await_request()

    def pause_writing(self) -> None:
        """The client does not read as fast as the answer is written."""
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        _cancel(self._answer_due)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, whether or not the last answer was read to its end."""
        super().timeout_keep_alive_handler()
        self._await_reader()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as every refusal is told."""
        status = getattr(sys.exc_info()[1], "error_status_hint", 400)
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # the answer under way is not for this
            return
        title = {400: "Bad Request", 431: "Request Header Fields Too Large"}.get(status, "Refused")
        problem = {"type": "about:blank", "title": title, "status": status, "detail": msg}
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=status, headers=headers, reason=title.encode()),
            h11.Data(data=json.dumps(problem).encode()),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def is_idle(self) -> bool:
        """Whether no request of it is being answered."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _await_request(self) -> None:
        _cancel(self._request_due)
        self._request_due = self.loop.call_later(REQUEST_S, self._end)

    def _await_reader(self) -> None:
        _cancel(self._answer_due)
        self._answer_due = self.loop.call_later(ANSWER_S, self._end)

    def _end(self) -> None:
        """At once, with what was not sent yet; its place is free from now on."""
        self.connections.discard(self)
        self.transport.abort()

    def _end_longest_idle(self) -> None:
        """Whoever waits without a request gives way; without one, uvicorn refuses with 503."""
        idle = [
            (one._request_due.when(), one)  # noqa: SLF001 - another of this class
            for one in self.connections
            if isinstance(one, Connection) and one.is_idle and one._request_due is not None  # noqa: SLF001
        ]
        if idle:
            min(idle, key=lambda found: found[0])[1]._end()  # noqa: SLF001


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
