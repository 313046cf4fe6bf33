"""The application of local commands: JSON in and out, errors as RFC 9457 problem details."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from indexer.clients.shared.json_response import encoded
from indexer.clients.shared.problems import HANDLERS, ParameterRefused
from indexer.clients.shared.request_metrics import answered
from indexer.query.answers import ROWS_MAX, Answers
from indexer.query.find.span_query import SpanQuery


class Host(Protocol):
    """What the application asks of the worker it runs in."""

    @property
    def answers(self) -> Answers:
        """The questions that need no change of state."""
        ...

    @property
    def backlog_files_max(self) -> int:
        """Files that may wait while the worker counts as ready."""
        ...

    def status(self) -> dict[str, Any]:
        """The worker's state and what the index holds."""
        ...

    async def snapshot(self) -> Path:
        """Publish a copy of the catalog as it is now."""
        ...

    async def swept(self) -> None:
        """Return once a sweep that begins after this call has been worked off."""
        ...


def application(host: Host) -> Starlette:
    """The routes over one worker."""

    async def status(_: Request) -> Response:
        return encoded(await run_in_threadpool(host.status))

    async def trace(request: Request) -> Response:
        found = await run_in_threadpool(host.answers.trace, request.path_params["trace_id"])
        answered(request, complete=found["complete"])
        return encoded(found)

    async def files(request: Request) -> Response:
        return encoded(await run_in_threadpool(host.answers.files, _limit(request)))

    async def quarantine(request: Request) -> Response:
        return encoded(await run_in_threadpool(host.answers.quarantine, _limit(request)))

    async def services(request: Request) -> Response:
        found = await run_in_threadpool(host.answers.services)
        answered(request, complete=found["complete"])
        return encoded(found)

    async def roots(request: Request) -> Response:
        service = request.path_params["service"]
        query = SpanQuery(service=service, roots=True, limit=_limit(request, 100))
        return await _spans(request, host, query)

    async def spans(request: Request) -> Response:
        asked = request.query_params
        query = SpanQuery(
            attribute=asked.get("key"),
            value=asked.get("value"),
            service=asked.get("service"),
            limit=_limit(request, 100),
        )
        return await _spans(request, host, query)

    async def snapshot(_: Request) -> Response:
        return encoded({"path": str(await host.snapshot())})

    async def sweep(_: Request) -> Response:
        await host.swept()
        return encoded({})

    return Starlette(
        routes=[
            Route("/status", status),
            Route("/traces/{trace_id:path}", trace),
            Route("/files", files),
            Route("/quarantine", quarantine),
            Route("/services", services),
            Route("/services/{service:path}/roots", roots),
            Route("/spans", spans),
            Route("/snapshot", snapshot, methods=["POST"]),
            Route("/sweep", sweep, methods=["POST"]),
        ],
        exception_handlers=dict(HANDLERS),
    )


Endpoint = Callable[[Request], Awaitable[Response]]


async def _spans(request: Request, host: Host, query: SpanQuery) -> Response:
    found = await run_in_threadpool(host.answers.spans, query, payload=False)
    answered(request, complete=found["complete"])
    return encoded(found)


def _limit(request: Request, default: int = ROWS_MAX) -> int:
    """Raises ParameterRefused."""
    text = request.query_params.get("limit", str(default))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= ROWS_MAX):
        raise ParameterRefused("limit", text, ge=1, le=ROWS_MAX)
    return int(text)
