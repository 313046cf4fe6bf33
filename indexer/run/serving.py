"""How a worker is asked: every dialect of clients in one application, and the sockets it is on.

The only module that knows all dialects; a new one is a room in ``clients/`` and a line here.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from opentelemetry.trace import TracerProvider

from indexer.clients.api.routes import api
from indexer.clients.application import MakeRouter, application
from indexer.clients.host import Host
from indexer.clients.junjo.access import access
from indexer.clients.junjo.routes import junjo
from indexer.clients.operations.routes import operations
from indexer.clients.service import Service
from indexer.run import dashboard_limits, ports
from indexer.settings import Settings

if TYPE_CHECKING:  # one worker in many has a store for Mastra
    from indexer.clients.mastra.door import MastraDoor

ROUTERS: tuple[MakeRouter, ...] = (operations, api, junjo)
"""Every router that is served."""
GRACE_S = 1
"""How long a stop waits for a client to take its answer."""


def routers(settings: Settings, door: "MastraDoor | None" = None) -> Sequence[MakeRouter]:
    """The same as the settings say, and with a store for Mastra its routes."""
    kept_bytes = settings.bytes_of("span_cache_bytes")
    own = (
        operations,
        api,
        partial(
            junjo,
            bare=settings.junjo_dialect,
            sign_in=settings.junjo_sign_in,
            span_cache_bytes=kept_bytes,
        ),
    )
    if door is None:
        return own
    from indexer.clients.mastra.routes import mastra  # noqa: PLC0415 - see above

    return (*own, partial(mastra, door=door))


def listening_service(
    host: Host,
    settings: Settings,
    tracer_provider: TracerProvider | None,
    door: "MastraDoor | None" = None,
) -> Service:
    """The application with its TCP port bound, unless that is off.

    Raises InvalidSettings when it may not, or cannot, listen there, and for an unknown dialect.
    """
    app = application(
        host,
        routers(settings, door),
        admission=replace(dashboard_limits.dashboards_admission(settings), access=access),
        questions=settings.questions,
        tracer_provider=tracer_provider,
    )
    made = Service(app, grace_s=GRACE_S)
    endpoint = ports.dashboards(settings)
    if endpoint is not None:
        made.listen(endpoint, dashboard_limits.dashboards_limits(settings))
    return made
