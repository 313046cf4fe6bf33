"""The dashboards' application: one FastAPI over one worker, a router for each thing it serves.

A router is made by a function of the host, and named in ``ROUTERS``. Its routes ask through
``serve.asking.ask``, and refuse by raising: every error becomes problem details.
"""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from indexer import __version__
from indexer.serve.app import Host
from indexer.serve.asking import Asking
from indexer.serve.edge import Edge
from indexer.serve.junjo import junjo
from indexer.serve.measuring import Measured
from indexer.serve.operations import operations
from indexer.serve.problems import HANDLERS, RESPONSE

PROBES_AT_ONCE = 2
"""A pool of their own: however much dashboards ask, the worker does not look ill for it."""

MakeRouter = Callable[[Host], APIRouter]

ROUTERS: tuple[MakeRouter, ...] = (operations, junjo)
"""Every router that is served."""


def dashboards(host: Host, *, token: str = "", routers: Sequence[MakeRouter] = ROUTERS) -> FastAPI:
    """The application, to be ended with ``close``.

    With a ``token`` every route but the two probes asks for it.
    """
    app = FastAPI(
        title="span-indexer",
        version=__version__,
        description="Questions about OpenTelemetry spans in Parquet files, and how the worker is.",
        docs_url=None,  # its page loads scripts of other hosts
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict(HANDLERS),
        responses={"default": RESPONSE},
        middleware=[Middleware(Measured), Middleware(Edge, token=token)],
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.asking = Asking()
    app.state.probes = Asking(at_once=PROBES_AT_ONCE)
    for make in routers:
        app.include_router(make(host))
    return app


def close(app: FastAPI) -> None:
    """Tell every question to end, and wait until they have."""
    pools: tuple[Asking, ...] = (app.state.asking, app.state.probes)
    for pool in pools:
        pool.close()
