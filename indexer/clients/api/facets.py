"""Routes of what searches can be written with: services, operations, attributes and values."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.api.facet_models import (
    AttributesFound,
    AttributeValuesFound,
    OperationsFound,
    ServicesFound,
)
from indexer.clients.host import Host
from indexer.clients.shared.answer_headers import HEADERS, respond
from indexer.clients.shared.search_values import KINDS, Kind
from indexer.clients.shared.text_limits import TEXT_CHARS_MAX
from indexer.clients.shared.time_window import window
from indexer.query.attribute_facets import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    FacetQuery,
    list_attributes,
    list_values,
)
from indexer.query.find.keyset import CURSOR_CHARS_MAX
from indexer.query.operations import OperationsQuery, list_operations
from indexer.query.window import Window

WindowOf = Annotated[Window, Depends(window)]
Text = Annotated[str | None, Query(max_length=TEXT_CHARS_MAX)]
Prefix = Annotated[str, Query(max_length=TEXT_CHARS_MAX, description="What it begins with.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Cursor = Annotated[
    str | None,
    Query(max_length=CURSOR_CHARS_MAX, description="What `next_cursor` of the page before said."),
]
Key = Annotated[
    str,
    Path(
        max_length=TEXT_CHARS_MAX,
        description="As a search takes it: `http.route`, `resource.host.name`, `scope.version`, "
        "`event.exception.type`; in quotes where it has signs in it, as `attributes` says it.",
    ),
]


def _is(model: type[Any]) -> dict[str, Any]:
    return {"responses": {200: {"model": model, "headers": HEADERS}}}


def add_facets(router: APIRouter, host: Host) -> None:
    """Add the routes."""
    _add_names(router, host)
    _add_attributes(router, host)


def _add_names(router: APIRouter, host: Host) -> None:
    @router.get("/services", **_is(ServicesFound))
    async def services(request: Request, within: WindowOf) -> Response:
        """Every service with spans that start in the window, by name; from the index."""
        return await respond(request, lambda end: host.answers.services(end, within))

    @router.get("/operations", **_is(OperationsFound))
    async def operations(
        request: Request,
        within: WindowOf,
        service: Text = None,
        kind: Kind | None = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Response:
        """Names of spans that start in the window, by service and kind; from the index."""
        query = OperationsQuery(
            window=within,
            service=service,
            span_kind=None if kind is None else KINDS.index(kind),
            limit=limit,
            cursor=cursor,
        )
        return await respond(request, lambda end: list_operations(host.answers, query, end))


def _add_attributes(router: APIRouter, host: Host) -> None:
    @router.get("/attributes", **_is(AttributesFound))
    async def attributes(
        request: Request,
        within: WindowOf,
        service: Text = None,
        prefix: Prefix = "",
        limit: Limit = LIMIT_DEFAULT,
    ) -> Response:
        """Keys of attributes with the types of their values, for completion.

        Counted over some spans of each operation in the newest files, and over promoted
        attributes of all of them; `counted_over` says how many spans that were.
        """
        query = FacetQuery(service=service, window=within, prefix=prefix, limit=limit)
        return await respond(request, lambda end: list_attributes(host.answers, query, end))

    @router.get("/attributes/{key:text}/values", **_is(AttributeValuesFound))
    async def values(
        request: Request,
        key: Key,
        within: WindowOf,
        service: Text = None,
        prefix: Prefix = "",
        limit: Limit = LIMIT_DEFAULT,
    ) -> Response:
        """Values of one attribute, for completion.

        Of a promoted attribute all are counted; of others those of some spans of each operation
        in the newest files.
        """
        query = FacetQuery(service=service, window=within, prefix=prefix, limit=limit)
        return await respond(request, lambda end: list_values(host.answers, key, query, end))
