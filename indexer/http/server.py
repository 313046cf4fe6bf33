"""An HTTP server on bound sockets, inside a process that handles signals itself."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from indexer.http.acceptor import Acceptor
from indexer.http.connection import Connection
from indexer.http.limits import ConnectionLimits


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
        """Accept no more, let requests in hand finish within the grace, and end."""
        self.should_exit = True
        if not self.started:
            for one in self._listeners:
                one.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, with this program's acceptor instead of asyncio's."""
        await self.lifespan.startup()
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
