"""One HTTP/1.1 connection, and how long its client may take over each part of a request.

uvicorn's protocol over llhttp reads requests and writes answers. It has no limit for a client that
never sends a whole head, sends a body a byte at a time, or does not read its answer, and none for
the size of a head; those are here, and so is what clients are told that do not speak HTTP/1.1.
"""

import asyncio
import json
import re
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from indexer.http import events
from indexer.http.limits import ConnectionLimits
from indexer.telemetry.log_rate import log_rarely

_OTHER_VERSION = re.compile(rb"[^\r\n]{0,8192} HTTP/(?!1\.)[0-9]")
_OFFER = frozenset({b"upgrade", b"http2-settings"})
"""What ``Connection`` names of an offer."""
_TITLES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}


class Connection(HttpToolsProtocol):
    """A connection that ends when its client is too slow, or when others need its place."""

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._client_due: asyncio.TimerHandle | None = None
        self._answer_due: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._has_head = False
        self._is_whole = True
        self._window_bytes = 0
        self._version = b"1.1"
        self.heard_s = self.loop.time()
        """When its client last sent something, or was last answered."""
        self.has_been_answered = False

    @property
    def is_idle(self) -> bool:
        """Whether no request of it is being answered."""
        return self.cycle is None or bool(self.cycle.response_complete)

    @property
    def awaits_client(self) -> bool:
        """Whether it is the client's turn: to send a request, or the rest of one."""
        return self.is_idle or not self._is_whole

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._await_client(self._limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget its limits."""
        self._cancel_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read requests; the time for a head runs from its first byte."""
        if self.transport.is_closing():
            return
        begins = self._is_whole and self.is_idle
        self.heard_s = self.loop.time()
        self._unset_keepalive_if_required()
        self._window_bytes += len(data)
        if not self._has_head:
            self._head_bytes += len(data)
        if not self._feed(data):
            return
        if not self._has_head and self._head_bytes > self._limits.head_bytes:
            self._refuse(431, f"expected up to {self._limits.head_bytes} bytes of head")
        elif self._has_head and not self._is_whole:
            self._await_body()
        elif begins and not self._has_head and not self._is_whole:
            self._await_client(self._limits.head_s)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._has_head = self._is_whole = False

    def on_headers_complete(self) -> None:
        """The head is whole: its limits end, those of a body begin."""
        if self.parser.should_upgrade():
            self._version = self.parser.get_http_version().encode()
            return  # it is read again without its offer, see _decline_upgrade
        self._has_head = True
        self._head_bytes = 0
        self._window_bytes = 0
        _cancel(self._client_due)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The client has sent what it had to."""
        if self.parser.should_upgrade():
            return  # as above
        self._is_whole = True
        self._has_head = False
        _cancel(self._client_due)
        super().on_message_complete()
        if self.is_idle and not self.transport.is_closing():
            self._await_client(self._limits.idle_s)

    def on_response_complete(self) -> None:
        """Wait for the rest of the request, for the next one, and for the answer to be read."""
        super().on_response_complete()
        self._unset_keepalive_if_required()
        self.heard_s = self.loop.time()
        self.has_been_answered = True
        if self.transport.get_write_buffer_size():
            self._await_reader()
        if self.transport.is_closing() or not self.is_idle:
            return
        self._await_client(self._limits.idle_s if self._is_whole else self._limits.discard_s)

    def pause_writing(self) -> None:
        """The client does not read as fast as the answer is written."""
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        _cancel(self._answer_due)

    def end(self) -> None:
        """Close at once, with what was not sent yet; its place is free from now on."""
        self.connections.discard(self)
        self.transport.abort()

    def _feed(self, data: bytes) -> bool:
        """Hand bytes to the parser; False when they are not HTTP/1.1 and were refused."""
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as stopped:
                data = self._decline_upgrade() + data[stopped.args[0] :]
                if self.transport.is_closing():
                    return False
            except httptools.HttpParserError as error:
                self._refuse_bytes(data, error)
                return False
            else:
                return True
        return True

    def _decline_upgrade(self) -> bytes:
        """The same head without its offer, to be answered in HTTP/1.1 (RFC 9110 7.8).

        llhttp takes all that follows an offer for another protocol, a body included: left there,
        a body could be read as a request.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(400, "CONNECT is not supported")
            return b""
        self.parser = httptools.HttpRequestParser(self)
        lines = [b"%s %s HTTP/%s" % (method, self.url, self._version)]
        for name, value in self.headers:
            if name == b"connection":
                kept = [
                    one.strip() for one in value.split(b",") if one.strip().lower() not in _OFFER
                ]
                lines += [b"connection: " + b", ".join(kept)] if kept else []
            elif name != b"upgrade":
                lines.append(name + b": " + value)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _refuse_bytes(self, data: bytes, error: Exception) -> None:
        if _OTHER_VERSION.match(data):
            self._refuse(505, "expected HTTP/1.1")
            return
        where = f"port {self.server[1]}" if self.server and self.server[1] else "the socket"
        log_rarely(events.NOT_HTTP, f"a connection to {where} is not HTTP/1.1")
        self._refuse(400, f"the request is not HTTP/1.1: {error}")

    def _refuse(self, status: int, detail: str) -> None:
        """Answer with a problem of RFC 9457, unless an answer is under way, and close."""
        if not self.is_idle:
            cycle = self.cycle
            if cycle.response_started or self.pipeline:
                self.transport.close()  # the answer under way is for another request
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(refusal(status, detail))
        self.transport.close()
        self._await_reader()

    def _await_body(self) -> None:
        """Look once a window whether the body arrives at its least pace."""
        if self._client_due is None or self._client_due.cancelled():
            self._window_bytes = 0
            self._client_due = self.loop.call_later(self._limits.body_window_s, self._check_pace)

    def _check_pace(self) -> None:
        self._client_due = None
        if self._is_whole:
            return
        slow = self._window_bytes < self._limits.body_window_bytes
        if slow and not self.flow.read_paused:
            pace = self._limits.body_bytes_per_s
            self._refuse(408, f"the body arrived at less than {pace} bytes a second")
            return
        self._await_body()

    def _await_client(self, seconds: float) -> None:
        _cancel(self._client_due)
        self._client_due = self.loop.call_later(seconds, self.end)

    def _await_reader(self) -> None:
        _cancel(self._answer_due)
        self._answer_due = self.loop.call_later(self._limits.answer_s, self.end)

    def _cancel_timers(self) -> None:
        _cancel(self._client_due)
        _cancel(self._answer_due)


def refusal(status: int, detail: str, *, retry_after_s: int | None = None) -> bytes:
    """A whole answer that closes its connection, where there is no request to answer."""
    title = _TITLES[status]
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body = json.dumps(problem).encode()
    retry = f"retry-after: {retry_after_s}\r\n" if retry_after_s is not None else ""
    return (
        f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\n{retry}connection: close\r\n\r\n"
    ).encode() + body


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
