"""The one application over a worker: the same routes on its TCP socket and on its Unix socket.

A router is made by a function of the host. Which routers there are is decided by whoever composes
the worker: nothing here knows a dialect. Routes ask through ``query_executor.ask``, and refuse by
raising: every error becomes problem details.

The routes, and FastAPI with them, are loaded for the first request that is not a probe's: of an
``up`` that takes in spans, and that nobody asks for any, they would be a seventh of its memory.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import TracerProvider
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.clients.host import Host
from indexer.clients.shared.answer_headers import HEADERS
from indexer.clients.shared.callers import AdmittedByCaller, Caller, caller_of
from indexer.clients.shared.direct_routes import AnsweredDirectly, DirectPath, DirectRoutes
from indexer.clients.shared.event_streams import EventStreams
from indexer.clients.shared.head_requests import HeadAsGet
from indexer.clients.shared.query_executor import QUESTIONS_AT_ONCE, QueryExecutor
from indexer.clients.shared.request_metrics import Measured
from indexer.http.admission import Admission
from indexer.http.problems import of_fault
from indexer.system.usage import Usage

if TYPE_CHECKING:  # loaded for the first request that needs it
    from fastapi import APIRouter, FastAPI

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

MakeRouter = Callable[[Host], "APIRouter"]
OF_THE_OPERATOR = Admission(body_bytes_max=BODY_BYTES_MAX)
"""Whoever the mode of the Unix socket lets in: no token, and any name."""


class Application:
    """The application, to be ended with ``close``. For any number of servers and their loops."""

    def __init__(
        self,
        host: Host,
        routers: Sequence[MakeRouter],
        *,
        probes: Iterable[DirectPath] = (),
        admission: Admission = OF_THE_OPERATOR,
        questions: int = QUESTIONS_AT_ONCE,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        """``admission`` says which dashboards are let in, ``questions`` how many are answered.

        ``probes`` are usual requests of routes that are answered without those being loaded. With
        a ``tracer_provider`` each request of a dashboard is a span, but for those of probes and of
        whoever scrapes metrics.
        """
        self._host = host
        self._routers = routers
        self._admissions = {Caller.DASHBOARD: admission, Caller.OPERATOR: OF_THE_OPERATOR}
        self._tracer_provider = tracer_provider
        self.state = _state(admission, questions)
        self._lock = Lock()
        self._routes: FastAPI | None = None
        self._answering: ASGIApp = HeadAsGet(self._in_front_of(self._answer_loaded, probes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._answering(scope, receive, send)

    def routes(self) -> "FastAPI":
        """Those of all routers, loaded once: a third of a second."""
        with self._lock:
            if self._routes is None:
                from indexer.clients.loaded_routes import (  # noqa: PLC0415 - as the module says
                    direct_of,
                    loaded_routes,
                )

                made = [make(self._host) for make in self._routers]
                self._routes = loaded_routes(
                    made, self.state, self._admissions, self._tracer_provider, _is_untraced
                )
                self._answering = self._in_front_of(self._routes, direct_of(made))
            return self._routes

    def openapi(self) -> dict[str, Any]:
        """The description of all routes."""
        return self.routes().openapi()

    def _in_front_of(self, routes: ASGIApp, paths: Iterable[DirectPath]) -> ASGIApp:
        """The routes, but for requests of these paths that are not to be spans."""

        def around(answer: ASGIApp) -> ASGIApp:
            """The same rules as those of the routes; and it is counted like them."""
            return Measured(AdmittedByCaller(answer, self._admissions))

        direct = DirectRoutes(paths)
        return AnsweredDirectly(routes, direct, around, app=self, skips=self._is_traced)

    def _is_traced(self, scope: Scope) -> bool:
        return self._tracer_provider is not None and not _is_untraced(scope)

    async def _answer_loaded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the routes loaded, and answer by them."""
        try:
            routes: ASGIApp = await asyncio.to_thread(self.routes)
        except Exception as fault:
            if scope["type"] != "http":
                raise
            routes = of_fault(scope["method"], scope["path"], fault)
        await routes(scope, receive, send)

    @property
    def usages(self) -> dict[str, Usage]:
        """How many requests of each kind are in hand."""
        executors: Mapping[Caller, QueryExecutor] = self.state.executors
        questions = {f"questions_of_{caller}": one.usage for caller, one in executors.items()}
        return {
            **questions,
            "probes": self.state.probes.usage,
            "streams": self.state.streams.usage,
        }

    def close(self) -> None:
        """Tell every stream and question to end, and wait until the questions have."""
        self.state.streams.close()
        executors: Mapping[Caller, QueryExecutor] = self.state.executors
        for executor in (*executors.values(), self.state.probes):
            executor.close()


def _state(admission: Admission, questions: int) -> State:
    """What routes find at ``request.app.state``."""
    executors = {
        Caller.DASHBOARD: QueryExecutor(at_once=questions),
        Caller.OPERATOR: QueryExecutor(at_once=COMMANDS_AT_ONCE, waiting=COMMANDS_WAITING),
    }
    return State(
        {
            "sessions": admission.sessions,
            "executors": executors,
            "probes": QueryExecutor(at_once=PROBES_AT_ONCE),
            "streams": EventStreams(),
        }
    )


def _is_untraced(scope: Scope) -> bool:
    return scope["path"] in UNTRACED_PATHS or caller_of(scope) is Caller.OPERATOR
