"""An HTTP server on bound sockets, inside a process that handles signals itself."""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.utils import formatdate
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from indexer.http.acceptor import Acceptor
from indexer.http.connection import Connection
from indexer.http.limits import ConnectionLimits


class _State(ServerState):
    """What the connections of a server share. The headers of each answer have the time of it."""

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self._headers = headers
        self._made_s = 0
        self._made: list[tuple[bytes, bytes]] = []
        super().__init__()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Those of an answer that is begun now; they are made once a second at most."""
        now_s = int(time.time())
        if now_s != self._made_s:
            self._made = [(b"date", formatdate(now_s, usegmt=True).encode()), *self._headers]
            self._made_s = now_s
        return self._made

    @default_headers.setter
    def default_headers(self, _: object) -> None:
        """Nothing: uvicorn begins with none."""


class HttpServer(uvicorn.Server):
    """Serves from ``run`` until ``stop``."""

    def __init__(
        self,
        app: ASGIApp,
        listeners: Sequence[socket.socket],
        *,
        limits: ConnectionLimits,
        grace_s: int,
    ) -> None:
        """``grace_s`` is how long ``stop`` waits for requests in hand."""
        self._listeners = list(listeners)
        self._limits = limits
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                headers=[("Keep-Alive", f"timeout={limits.idle_s:.0f}")],
                timeout_keep_alive=int(limits.idle_s) + 1,
                timeout_graceful_shutdown=grace_s,
            )
        )

    async def run_until_stopped(self) -> None:
        """Accept and answer until ``stop``."""
        if not self.should_exit:
            await self.serve(sockets=self._listeners)

    def stop(self) -> None:
        """Accept no more, let requests in hand finish within the grace, and end. Any thread may."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # a loop that is closed serves nobody
                self._loop.call_soon_threadsafe(self._stopped.set)
        if not self.started:
            for one in self._listeners:
                one.close()

    async def main_loop(self) -> None:
        """Wait for ``stop``.

        uvicorn's own looks ten times a second whether it is to end, and keeps the time of answers.
        """
        await self._stopped.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, with this program's acceptor instead of asyncio's."""
        self._loop = asyncio.get_running_loop()
        await self.lifespan.startup()
        self.server_state = _State(self.config.encoded_headers)
        make = partial(
            Connection,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            limits=self._limits,
        )
        acceptors = [
            Acceptor(one, make, self.server_state.connections, self._limits)
            for one in sockets or []
        ]
        for acceptor in acceptors:
            acceptor.start()
        self.servers = cast("list[asyncio.Server]", acceptors)
        self.started = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's handlers as they are."""
        yield
