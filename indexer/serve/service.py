"""The dashboards' application on its TCP socket, from the binding of the port to its release."""

import asyncio
from collections.abc import Sequence

import uvicorn
from opentelemetry.trace import TracerProvider

from indexer.serve.app import Host
from indexer.serve.connection import CONNECTIONS_MAX, Connection
from indexer.serve.dashboards import ROUTERS, MakeRouter, close, dashboards
from indexer.serve.edge import HEAD_BYTES_MAX
from indexer.serve.listening import bind, url
from indexer.serve.server import EmbeddedServer

KEEP_ALIVE_S = 5
"""How long a connection may wait for its next request."""


class DashboardService:
    """Listens from its construction on; serves while ``run`` runs."""

    def __init__(
        self,
        host: Host,
        *,
        listen: str,
        token: str = "",
        allow_open: str = "",
        routers: Sequence[MakeRouter] = ROUTERS,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        """Raises InvalidSettings when it may not, or cannot, listen there."""
        self._listener = bind(listen, token=token, allow_open=allow_open)
        self.url = url(self._listener)
        self._app = dashboards(host, token=token, routers=routers, tracer_provider=tracer_provider)
        self._server: EmbeddedServer | None = None

    async def run(self, *, grace_s: int) -> None:
        """Serve until ``end``."""
        self._server = EmbeddedServer(
            uvicorn.Config(
                self._app,
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=CONNECTIONS_MAX + 1,
                h11_max_incomplete_event_size=HEAD_BYTES_MAX,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=grace_s,
            )
        )
        await self._server.serve(sockets=[self._listener])

    async def end(self) -> None:
        """Let requests in hand finish within the grace, and end the questions of all others."""
        if self._server is not None:
            self._server.should_exit = True
        await asyncio.to_thread(close, self._app)
