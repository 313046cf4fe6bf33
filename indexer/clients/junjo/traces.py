"""One trace for a route: what its ID names, answered as the route's body."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.shared.answer_headers import respond
from indexer.errors import InvalidId
from indexer.query.answer import Completeness, SpansAnswer
from indexer.query.cost import Cost
from indexer.query.deadline import Deadline
from indexer.query.find.trace_query import TraceQuery
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.trace_prefix import whole_trace_id
from indexer.query.window import ANY_TIME, Window

CHARS_MAX = 1_024
"""Of a service name or an id in a path: far longer than any."""

TraceId = Annotated[
    str,
    Path(
        max_length=CHARS_MAX,
        description="32 hex digits, the first 4 or more if no other trace begins so, up to 16 of "
        "a 64-bit ID, a UUID or a traceparent.",
        examples=["0af7651916cd43dd8448eb211c80319c"],
    ),
]


async def respond_trace(
    host: Host,
    request: Request,
    body: Callable[[SpansAnswer], bytes],
    trace_id: str,
    span_id: str | None = None,
    within: Window = ANY_TIME,
    encoding: EncodedSpanCache | None = None,
    *,
    is_brief: bool = False,
) -> Response:
    """What ``body`` makes of a trace, or of its spans with that ID; an invalid ID names none."""

    def found(deadline: Deadline) -> SpansAnswer:
        answers = host.answers
        try:
            query = TraceQuery.of(
                whole_trace_id(answers, trace_id, deadline),
                span_id,
                since_unix_nano=within.since_unix_nano,
                until_unix_nano=within.until_unix_nano,
            )
        except InvalidId:
            return SpansAnswer(spans=(), completeness=Completeness(), cost=Cost())
        return answers.trace(query, deadline, encoding)

    return await respond(request, found, body, is_brief=is_brief)
