"""The application on its sockets, from the first one that is bound to the release of the last."""

import asyncio
import socket

from indexer.clients.application import Application
from indexer.clients.shared.callers import Caller, serve_to
from indexer.http.limits import ConnectionLimits
from indexer.http.server import HttpServer
from indexer.system.addresses import Endpoint, bind, bound_address
from indexer.system.usage import Usage


class Service:
    """One application, and a server for each socket that it is asked on."""

    def __init__(self, app: Application, *, grace_s: int) -> None:
        """``grace_s`` is how long ``end`` waits for requests in hand."""
        self._app = app
        self._grace_s = grace_s
        self._bound: list[HttpServer] = []
        self._servers: list[HttpServer] = []
        self.url: str | None = None
        """Where dashboards ask; None without a TCP port."""

    def listen(self, endpoint: Endpoint, limits: ConnectionLimits | None = None) -> None:
        """Bind the TCP port of dashboards. Raises InvalidSettings when it cannot be bound."""
        listener = bind(endpoint)
        self.url = f"http://{bound_address(listener)}"
        self.serve(listener, Caller.DASHBOARD, limits)

    def serve(
        self, listener: socket.socket, caller: Caller, limits: ConnectionLimits | None = None
    ) -> None:
        """Take the requests of that caller from a bound socket, while ``run`` runs."""
        self._bound.append(self.server(listener, caller, limits))

    def server(
        self, listener: socket.socket, caller: Caller, limits: ConnectionLimits | None = None
    ) -> HttpServer:
        """The same for a socket that may come and go, run by the caller and ended by ``end``."""
        server = HttpServer(
            serve_to(caller, self._app),
            [listener],
            limits=limits or ConnectionLimits(),
            grace_s=self._grace_s,
        )
        self._servers.append(server)
        return server

    @property
    def usages(self) -> dict[str, Usage]:
        """How many requests of each kind are in hand."""
        return self._app.usages

    async def run(self) -> None:
        """Answer until ``end``."""
        await asyncio.gather(*(server.run_until_stopped() for server in self._bound))

    async def end(self) -> None:
        """Let requests in hand finish within the grace, and end the questions of all others."""
        for server in self._servers:
            server.stop()
        await asyncio.to_thread(self._app.close)
