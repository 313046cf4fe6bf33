"""The routes that take Mastra's queries as JSON, and refuse them as Mastra's server does."""

from typing import Any

from fastapi import APIRouter
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from indexer.clients.mastra.answers import answer
from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.otlp_queries import (
    Question,
    published_alone,
    spans_with_sent,
    traces_with_sent,
)
from indexer.clients.mastra.store_question import ask
from indexer.errors import InvalidMastraCall, QueryTimedOut
from indexer.mastra import error_ids

BODY_BYTES_MAX = 256 << 10
"""Of one query, as Mastra defines it."""
PATH_ENDINGS = (
    "/traces/query",
    "/traces/query/fields",
    "/traces/query/values",
    "/spans/query",
    "/threads/query",
    "/traces/aggregate",
)
"""Of paths whose requests may have such a body."""
_STATUS = {
    error_ids.QUERY_INVALID: 422,
    error_ids.CURSOR_MALFORMED: 400,
    error_ids.CURSOR_CONFLICT: 409,
}


def query_routes(router: APIRouter, door: MastraDoor, prefix: str) -> None:
    """Add the routes."""
    spans = door.store.observability

    @router.post(prefix + "/traces/query")
    async def query_traces(request: Request) -> Response:
        """Traces whose root has ended, by predicates on them, their spans, scores and feedback."""
        return await _asked(request, door, traces_with_sent)

    @router.post(prefix + "/traces/query/fields")
    async def query_fields(request: Request) -> Response:
        """Fields that predicates may name, and keys that metadata of traces has."""
        return await _asked(request, door, published_alone(spans.query_fields))

    @router.post(prefix + "/traces/query/values")
    async def query_values(request: Request) -> Response:
        """The most frequent values of such a field."""
        return await _asked(request, door, published_alone(spans.query_values))

    @router.post(prefix + "/threads/query")
    async def query_threads(request: Request) -> Response:
        """Threads by predicates on their traces."""
        return await _asked(request, door, published_alone(spans.query_threads))

    @router.post(prefix + "/spans/query")
    async def query_spans(request: Request) -> Response:
        """Spans that have ended, by a predicate, with previews and what they cost."""
        return await _asked(request, door, spans_with_sent)

    @router.post(prefix + "/traces/aggregate")
    async def aggregate_traces(request: Request) -> Response:
        """Counts, durations, errors, tokens and costs of groups of traces."""
        return await _asked(request, door, published_alone(spans.aggregate_traces))


async def _asked(request: Request, door: MastraDoor, question: Question) -> Response:
    try:
        content = from_json(await request.body())
    except ValueError as error:
        issue = {"field": "body", "message": str(error)}
        return JSONResponse({"error": "Invalid request body", "issues": [issue]}, 400)
    try:
        found, is_whole = await ask(request, lambda deadline: question(door, content, deadline))
        return answer(found, is_whole=is_whole)
    except InvalidMastraCall as error:
        return _refused(error)
    except QueryTimedOut as error:
        code = "TRACE_QUERY_EXECUTION_TIMEOUT"
        return JSONResponse({"code": code, "message": error.message}, 504)


def _refused(error: InvalidMastraCall) -> Response:
    """Raises the error where Mastra has no answer of its own for it."""
    if (status := _STATUS.get(error.error_id)) is None:
        raise error
    content: dict[str, Any] = {"code": error.error_id, "message": error.message}
    if error.issues:
        content["issues"] = [
            {"code": one.code, "path": list(one.path), "message": one.message}
            for one in error.issues
        ]
    return JSONResponse(content, status)
