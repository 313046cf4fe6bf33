"""The dashboards' application on its TCP socket, from the binding of the port to its release."""

import asyncio
from collections.abc import Sequence

from opentelemetry.trace import TracerProvider

from indexer.clients.application import ROUTERS, MakeRouter, close, dashboards
from indexer.clients.operations.local import Host
from indexer.clients.shared.query_executor import QUESTIONS_AT_ONCE
from indexer.http.admission import Admission
from indexer.http.limits import ConnectionLimits
from indexer.http.server import HttpServer
from indexer.system.addresses import Endpoint, bind, bound_address


class DashboardService:
    """Listens from its construction on; serves while ``run`` runs."""

    def __init__(
        self,
        host: Host,
        *,
        endpoint: Endpoint,
        admission: Admission,
        limits: ConnectionLimits | None = None,
        questions: int = QUESTIONS_AT_ONCE,
        routers: Sequence[MakeRouter] = ROUTERS,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        """Raises InvalidSettings when it may not, or cannot, listen there."""
        self._listener = bind(endpoint)
        self.url = f"http://{bound_address(self._listener)}"
        self._limits = limits or ConnectionLimits()
        self._app = dashboards(
            host,
            admission=admission,
            questions=questions,
            routers=routers,
            tracer_provider=tracer_provider,
        )
        self._server: HttpServer | None = None

    async def run(self, *, grace_s: int) -> None:
        """Serve until ``end``."""
        self._server = HttpServer(self._app, [self._listener], limits=self._limits, grace_s=grace_s)
        await self._server.run_until_stopped()

    async def end(self) -> None:
        """Let requests in hand finish within the grace, and end the questions of all others."""
        if self._server is not None:
            self._server.stop()
        await asyncio.to_thread(close, self._app)
