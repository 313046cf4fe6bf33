"""The dashboards' application: one FastAPI over one worker, a router for each thing it serves.

A router is made by a function of the host, and named in ``ROUTERS``. Its routes ask through
``serve.asking.ask``, and refuse by raising: every error becomes problem details.
"""

from collections.abc import Callable, Sequence
from functools import partial

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import TracerProvider
from starlette.middleware import Middleware

from indexer import __version__
from indexer.clients.junjo.routes import junjo
from indexer.clients.operations.local import Host
from indexer.clients.operations.routes import operations
from indexer.clients.shared.answer_headers import HEADERS
from indexer.clients.shared.problems import HANDLERS, RESPONSE
from indexer.clients.shared.query_executor import QUESTIONS_AT_ONCE, QueryExecutor
from indexer.clients.shared.request_metrics import Measured
from indexer.http.admission import Admission

PROBES_AT_ONCE = 2
"""A pool of their own: however much dashboards ask, the worker does not look ill for it."""

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Probes carry no token; these two tell states and no data."""
BODY_BYTES_MAX = 64 << 10
"""Questions are in the URL; a few routes of dashboards take a small form."""
EXPOSED_HEADERS = (*HEADERS, "Retry-After")
"""What a page of another origin may read of an answer."""

UNTRACED_PATHS = OPEN_PATHS | {"/metrics"}
"""Asked every few seconds for ever, and of no interest to anybody who reads traces."""

MakeRouter = Callable[[Host], APIRouter]

ROUTERS: tuple[MakeRouter, ...] = (operations, junjo)
"""Every router that is served."""


def routers(span_cache_bytes: int) -> tuple[MakeRouter, ...]:
    """The same, with so many bytes of encoded spans kept for the next refresh."""
    return (operations, partial(junjo, span_cache_bytes=span_cache_bytes))


def dashboards(
    host: Host,
    *,
    admission: Admission,
    questions: int = QUESTIONS_AT_ONCE,
    routers: Sequence[MakeRouter] = ROUTERS,
    tracer_provider: TracerProvider | None = None,
) -> FastAPI:
    """The application, to be ended with ``close``.

    ``admission`` says who is let in, ``questions`` how many are answered at once. With a
    ``tracer_provider`` each request is a span, but for those of probes and of whoever scrapes
    metrics.
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
        middleware=[Middleware(Measured), Middleware(admission.around)],
        telemetry=_telemetry(tracer_provider),
    )
    app.state.asking = QueryExecutor(at_once=questions)
    app.state.probes = QueryExecutor(at_once=PROBES_AT_ONCE)
    for make in routers:
        app.include_router(make(host))
    return app


def close(app: FastAPI) -> None:
    """Tell every question to end, and wait until they have."""
    pools: tuple[QueryExecutor, ...] = (app.state.asking, app.state.probes)
    for pool in pools:
        pool.close()


def _telemetry(provider: TracerProvider | None) -> TelemetryConfig:
    """FastAPI's own, but nothing of it that nobody asked for: its default sends to any provider."""
    return {
        "tracing": provider is not None,
        "tracer_provider": provider,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": lambda scope: scope["path"] in UNTRACED_PATHS,
    }
