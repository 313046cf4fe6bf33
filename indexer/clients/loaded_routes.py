"""Every router's routes in one FastAPI application, behind the rules of whoever asks."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import TracerProvider
from starlette.datastructures import State
from starlette.middleware import Middleware
from starlette.types import Scope

from indexer import __version__
from indexer.clients.shared.callers import AdmittedByCaller, Caller
from indexer.clients.shared.direct_routes import DirectPath
from indexer.clients.shared.head_requests import HeadAsGet
from indexer.clients.shared.prefix_router import PrefixRouter
from indexer.clients.shared.problems import RESPONSE
from indexer.clients.shared.request_metrics import Measured
from indexer.clients.shared.validation_problems import ROUTE_HANDLERS
from indexer.http.admission import Admission


def loaded_routes(
    routers: Sequence[APIRouter],
    state: State,
    admissions: Mapping[Caller, Admission],
    tracer_provider: TracerProvider | None,
    is_untraced: Callable[[Scope], bool],
) -> FastAPI:
    """The application, whose routes find ``state``. With a provider requests are spans."""
    app = FastAPI(
        title="span-indexer",
        version=__version__,
        description="Questions about OpenTelemetry spans in Parquet files, and how the worker is.",
        docs_url=None,  # its page loads scripts of other hosts; /docs is one of our own
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict(ROUTE_HANDLERS),
        responses={"default": RESPONSE},
        middleware=[
            Middleware(HeadAsGet),
            Middleware(Measured),
            Middleware(AdmittedByCaller, admissions=admissions),
        ],
        telemetry=_telemetry(tracer_provider, is_untraced),
    )
    app.state = state
    for router in routers:
        app.include_router(router)
    return app


def direct_of(routers: Iterable[APIRouter]) -> list[DirectPath]:
    """Usual requests that are answered in front of these routes."""
    return [one for router in routers if isinstance(router, PrefixRouter) for one in router.direct]


def _telemetry(
    provider: TracerProvider | None, is_untraced: Callable[[Scope], bool]
) -> TelemetryConfig:
    """FastAPI's own, but nothing of it that nobody asked for: its default sends to any provider."""
    return {
        "tracing": provider is not None,
        "tracer_provider": provider,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": is_untraced,
    }
