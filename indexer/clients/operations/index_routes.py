"""What the index holds, in this program's own words: the answers that commands write as JSON."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.shared.answer_headers import HEADERS, respond, respond_list
from indexer.clients.shared.text_limits import TEXT_CHARS_MAX
from indexer.clients.shared.text_path import register
from indexer.query.find.cursor import page_after
from indexer.query.find.span_query import SpanQuery
from indexer.query.limits import ROWS_MAX
from indexer.query.lists import LISTS, IndexList

SPANS_DEFAULT = 100
ServiceName = Annotated[str, Path(max_length=TEXT_CHARS_MAX)]
Text = Annotated[str | None, Query(max_length=TEXT_CHARS_MAX)]
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX)]
Cursor = Annotated[str | None, Query(description="What `X-Next-Cursor` of the page before said.")]
_ANSWER: dict[str, Any] = {"responses": {200: {"headers": HEADERS}}}


def index_routes(host: Host) -> APIRouter:
    """The routes."""
    register()
    router = APIRouter()
    _spans(router, host)
    _lists(router, host)
    return router


def _spans(router: APIRouter, host: Host) -> None:
    @router.get("/spans", **_ANSWER)
    async def spans(
        request: Request,
        key: Text = None,
        value: Text = None,
        service: Text = None,
        limit: Limit = SPANS_DEFAULT,
        cursor: Cursor = None,
    ) -> Response:
        """The newest spans with a promoted attribute: what `spans --json` writes."""
        query = SpanQuery(attribute=key, value=value, service=service, limit=limit)
        return await _page(request, host, query, cursor)

    @router.get("/services/{service_name:text}/roots", **_ANSWER)
    async def roots(
        request: Request,
        service_name: ServiceName,
        limit: Limit = SPANS_DEFAULT,
        cursor: Cursor = None,
    ) -> Response:
        """The newest spans of the service that have no parent."""
        query = SpanQuery(service=service_name, roots=True, limit=limit)
        return await _page(request, host, query, cursor)


def _lists(router: APIRouter, host: Host) -> None:
    @router.get("/services", **_ANSWER)
    async def services(request: Request) -> Response:
        """Every service that a span has named, with its number of spans and their times."""
        return await respond(request, host.answers.services)

    @router.get("/completeness", **_ANSWER)
    async def completeness(request: Request) -> Response:
        """What answers by SQL lack, which have the index and its files alone."""
        return await respond(request, host.answers.index_alone)

    for listed in LISTS:
        _list(router, host, listed)


def _list(router: APIRouter, host: Host, listed: IndexList) -> None:
    description = f"{listed.rows.capitalize()}: what `{listed.name} --json` writes."

    @router.get(f"/{listed.name}", name=listed.name, description=description)
    async def rows(request: Request, limit: Limit = ROWS_MAX) -> Response:
        return await respond_list(request, lambda end: host.answers.rows(listed, limit, end))


async def _page(request: Request, host: Host, query: SpanQuery, cursor: str | None) -> Response:
    query = query if cursor is None else page_after(query, cursor)
    return await respond(
        request, lambda deadline: host.answers.spans(query, payload=False, deadline=deadline)
    )
