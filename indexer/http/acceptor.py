"""Accepts the connections of one listening socket, and makes room where there is none.

asyncio's own acceptor logs a traceback for each connection that it cannot take, as often as the
backlog is long; here one line counts them, and the descriptor that is missing is taken from
whoever has been silent for longest.
"""

import asyncio
import socket
from collections.abc import Callable, Collection
from contextlib import suppress

from indexer.http import events
from indexer.http.connection import Connection, refusal
from indexer.http.limits import ConnectionLimits
from indexer.telemetry.log_rate import log_rarely

ACCEPTS_AT_ONCE = 64
"""Connections taken in one turn of the loop, so that requests in hand are answered between."""
ACCEPT_RETRY_S = 0.5
"""How long it waits after the system refused a descriptor."""
RETRY_AFTER_S = 1


class Acceptor:
    """Accepts from ``start`` to ``close``; it has the methods of an asyncio server that are used.

    ``connections`` are those of the port, of all its listeners together.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_connection: Callable[[], Connection],
        connections: Collection[object],
        limits: ConnectionLimits,
    ) -> None:
        self._listener = listener
        self._make_connection = make_connection
        self._connections = connections
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._retry: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to accept."""
        self._retry = None
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Accept no more."""
        self._loop.remove_reader(self._listener)
        if self._retry is not None:
            self._retry.cancel()

    async def wait_closed(self) -> None:
        """Return once connections that were being opened are open."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            if self._opening and self._is_full():
                return  # those can give way once they are open, which they are in a moment
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._pause(error)
                return
            self._open(client)

    def _open(self, client: socket.socket) -> None:
        if self._is_full() and not self._end_longest_silent():
            log_rarely(events.CONNECTION_REFUSED, "all connections of a port are being answered")
            client.setblocking(False)
            with suppress(OSError), client:
                client.send(refusal(503, "all connections are in use", retry_after_s=RETRY_AFTER_S))
            return
        client.setblocking(False)
        opening = self._loop.create_task(
            self._loop.connect_accepted_socket(self._make_connection, client)
        )
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    def _opened(self, opening: "asyncio.Task[object]") -> None:
        self._opening.discard(opening)
        if not opening.cancelled():
            opening.exception()  # a client that is gone before it was served is nobody's fault

    def _is_full(self) -> bool:
        return len(self._connections) + len(self._opening) >= self._limits.connections

    def _end_longest_silent(self) -> bool:
        """End one whose client says nothing; first those that were never answered."""
        silent = [
            one for one in self._connections if isinstance(one, Connection) and one.awaits_client
        ]
        if not silent:
            return False
        min(silent, key=lambda one: (one.has_been_answered, one.heard_s)).end()
        return True

    def _pause(self, error: OSError) -> None:
        """The system gives no descriptor: free one, and try again in a moment."""
        log_rarely(
            events.ACCEPT_FAILED, f"a connection could not be accepted: {error.strerror or error}"
        )
        self._loop.remove_reader(self._listener)
        self._end_longest_silent()
        self._retry = self._loop.call_later(ACCEPT_RETRY_S, self.start)
