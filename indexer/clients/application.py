"""The one application over a worker: the same routes on its TCP socket and on its Unix socket.

A router is made by a function of the host. Which routers there are is decided by whoever composes
the worker: nothing here knows a dialect. Routes ask through ``query_executor.ask``, and refuse by
raising: every error becomes problem details.
"""

from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import TracerProvider
from starlette.middleware import Middleware
from starlette.types import Scope

from indexer import __version__
from indexer.clients.host import Host
from indexer.clients.shared.answer_headers import HEADERS
from indexer.clients.shared.callers import AdmittedByCaller, Caller, caller_of
from indexer.clients.shared.direct_routes import AnsweredDirectly, DirectRoutes
from indexer.clients.shared.event_streams import EventStreams
from indexer.clients.shared.head_requests import HeadAsGet
from indexer.clients.shared.prefix_router import PrefixRouter
from indexer.clients.shared.problems import HANDLERS, RESPONSE
from indexer.clients.shared.query_executor import QUESTIONS_AT_ONCE, QueryExecutor
from indexer.clients.shared.request_metrics import Measured
from indexer.http.admission import Admission
from indexer.system.usage import Usage

PROBES_AT_ONCE = 2
"""A pool of their own: however much dashboards ask, the worker does not look ill for it."""
COMMANDS_AT_ONCE = 2
COMMANDS_WAITING = 8
"""A pool of their own as well: an operator looks at a worker while dashboards keep it busy."""

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Probes carry no token; these two tell states and no data."""
BODY_BYTES_MAX = 64 << 10
"""Questions are in the URL; a few routes of dashboards take a small form."""
EXPOSED_HEADERS = (*HEADERS, "Retry-After")
"""What a page of another origin may read of an answer."""

UNTRACED_PATHS = OPEN_PATHS | {"/metrics"}
"""Asked every few seconds for ever, and of no interest to anybody who reads traces."""

MakeRouter = Callable[[Host], APIRouter]
OF_THE_OPERATOR = Admission(body_bytes_max=BODY_BYTES_MAX)
"""Whoever the mode of the Unix socket lets in: no token, and any name."""


def application(
    host: Host,
    routers: Sequence[MakeRouter],
    *,
    admission: Admission = OF_THE_OPERATOR,
    questions: int = QUESTIONS_AT_ONCE,
    tracer_provider: TracerProvider | None = None,
) -> FastAPI:
    """The application, to be ended with ``close``.

    ``admission`` says which dashboards are let in, ``questions`` how many of theirs are answered
    at once. With a ``tracer_provider`` each of their requests is a span, but for those of probes
    and of whoever scrapes metrics.
    """
    made = [make(host) for make in routers]
    direct = [one for router in made if isinstance(router, PrefixRouter) for one in router.direct]
    admissions = {Caller.DASHBOARD: admission, Caller.OPERATOR: OF_THE_OPERATOR}
    app = FastAPI(
        title="span-indexer",
        version=__version__,
        description="Questions about OpenTelemetry spans in Parquet files, and how the worker is.",
        docs_url=None,  # its page loads scripts of other hosts; /docs is one of our own
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict(HANDLERS),
        responses={"default": RESPONSE},
        middleware=[
            Middleware(HeadAsGet),
            Middleware(Measured),
            Middleware(AdmittedByCaller, admissions=admissions),
            Middleware(AnsweredDirectly, routes=DirectRoutes(direct)),
        ],
        telemetry=_telemetry(tracer_provider),
    )
    app.state.sessions = admission.sessions
    app.state.executors = {
        Caller.DASHBOARD: QueryExecutor(at_once=questions),
        Caller.OPERATOR: QueryExecutor(at_once=COMMANDS_AT_ONCE, waiting=COMMANDS_WAITING),
    }
    app.state.probes = QueryExecutor(at_once=PROBES_AT_ONCE)
    app.state.streams = EventStreams()
    for router in made:
        app.include_router(router)
    return app


def usages(app: FastAPI) -> dict[str, Usage]:
    """How many requests of each kind are in hand."""
    executors: Mapping[Caller, QueryExecutor] = app.state.executors
    probes: QueryExecutor = app.state.probes
    questions = {f"questions_of_{caller}": one.usage for caller, one in executors.items()}
    streams: EventStreams = app.state.streams
    return {**questions, "probes": probes.usage, "streams": streams.usage}


def close(app: FastAPI) -> None:
    """Tell every stream and question to end, and wait until the questions have."""
    app.state.streams.close()
    executors: Mapping[Caller, QueryExecutor] = app.state.executors
    for executor in (*executors.values(), app.state.probes):
        executor.close()


def _telemetry(provider: TracerProvider | None) -> TelemetryConfig:
    """FastAPI's own, but nothing of it that nobody asked for: its default sends to any provider."""
    return {
        "tracing": provider is not None,
        "tracer_provider": provider,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": _is_untraced,
    }


def _is_untraced(scope: Scope) -> bool:
    return scope["path"] in UNTRACED_PATHS or caller_of(scope) is Caller.OPERATOR
