"""How a worker is asked: every dialect of clients in one application, and the sockets it is on.

The only module that knows all dialects; a new one is a room in ``clients/`` and a line here.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import TracerProvider

from indexer.clients.application import Application, MakeRouter
from indexer.clients.host import Host
from indexer.clients.junjo.access import access
from indexer.clients.operations.probe_answers import ProbeAnswers
from indexer.clients.service import Service
from indexer.run import dashboard_limits, ports
from indexer.settings import Settings

if TYPE_CHECKING:  # loaded for the first request that needs them, or with a store for Mastra
    from fastapi import APIRouter

    from indexer.clients.mastra.door import MastraDoor

GRACE_S = 1
"""How long a stop waits for a client to take its answer."""


def operations(host: Host) -> "APIRouter":
    """The routes of commands, operators and probes."""
    from indexer.clients.operations import routes  # noqa: PLC0415 - FastAPI and its models

    return routes.operations(host)


def api(host: Host) -> "APIRouter":
    """The API of this program itself."""
    from indexer.clients.api import routes  # noqa: PLC0415 - as above

    return routes.api(host)


def junjo(host: Host, **options: Any) -> "APIRouter":
    """The dialects of Junjo's front ends."""
    from indexer.clients.junjo import routes  # noqa: PLC0415 - as above

    return routes.junjo(host, **options)


ROUTERS: tuple[MakeRouter, ...] = (operations, api, junjo)
"""Every router that is served."""


def routers(settings: Settings, door: "MastraDoor | None" = None) -> Sequence[MakeRouter]:
    """The same as the settings say, and with a store for Mastra its routes.

    Raises InvalidSettings for an unknown dialect.
    """
    if settings.junjo_dialect:
        from indexer.clients.junjo.dialects import bare_dialect  # noqa: PLC0415 - as above

        bare_dialect(settings.junjo_dialect)  # refused now, and not when somebody asks
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
    app = Application(
        host,
        routers(settings, door),
        probes=ProbeAnswers(host).paths,
        admission=replace(dashboard_limits.dashboards_admission(settings), access=access),
        questions=settings.questions,
        tracer_provider=tracer_provider,
    )
    made = Service(app, grace_s=GRACE_S)
    endpoint = ports.dashboards(settings)
    if endpoint is not None:
        made.listen(endpoint, dashboard_limits.dashboards_limits(settings))
    return made
