"""The routes of Mastra's server that client-js and Studio read traces from.

What is not served is answered 501, as Mastra's own server does for a storage without it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.mastra import otlp_traces, otlp_values
from indexer.clients.mastra.answers import answer
from indexer.clients.mastra.backup import backup_route
from indexer.clients.mastra.capabilities import capabilities
from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.publish import publish_routes
from indexer.clients.mastra.queries import query_routes
from indexer.clients.mastra.query_parameters import list_arguments
from indexer.clients.mastra.store_question import ask
from indexer.clients.shared.prefix_router import PrefixRouter
from indexer.clients.shared.text_path import register
from indexer.http.problems import problem
from indexer.mastra.arguments import checked
from indexer.mastra.discovery import Field
from indexer.mastra.list_arguments import ListBranches, ListTraces
from indexer.mastra.sync_store import SyncObservability

PREFIX = "/api/observability"


def mastra(_: Host, *, door: MastraDoor) -> APIRouter:
    """The router over an open store."""
    register()
    router = PrefixRouter(tags=["mastra"])
    publish_routes(router, door)
    backup_route(router, door)
    query_routes(router, door, PREFIX)
    _lists(router, door)
    _traces(router, door)
    _discovery(router, door)

    @router.api_route(
        PREFIX + "/{rest:path}", methods=["GET", "POST", "DELETE"], include_in_schema=False
    )
    async def not_served(rest: str) -> Response:
        said = f"{rest} is not served: this store keeps traces"
        return problem(501, "Not Implemented", said, more={"error": said})

    return router


def _lists(router: APIRouter, door: MastraDoor) -> None:
    async def listed_with_sent(
        request: Request, call: otlp_traces.ListCall[Any], operation: str
    ) -> Response:
        wanted = checked(ListTraces, list_arguments(request.query_params), operation)
        found, is_whole = await ask(
            request, lambda deadline: otlp_traces.list_with_sent(door, call, wanted, deadline)
        )
        return answer(found, is_whole=is_whole)

    spans = door.store.observability

    @router.get(PREFIX + "/traces")
    async def traces(request: Request) -> Response:
        """Roots of traces: `page`, `perPage`, `field`, `direction`, `mode` and filters by name."""
        return await listed_with_sent(request, SyncObservability.list_traces, "LIST_TRACES")

    @router.get(PREFIX + "/traces/light")
    async def traces_light(request: Request) -> Response:
        """The same without what can be large."""
        call = SyncObservability.list_traces_light
        return await listed_with_sent(request, call, "LIST_TRACES_LIGHT")

    @router.get(PREFIX + "/branches")
    async def branches(request: Request) -> Response:
        """Spans that branches begin with, roots or not."""
        wanted = checked(ListBranches, list_arguments(request.query_params), "LIST_BRANCHES")
        found, is_whole = await ask(
            request, lambda deadline: otlp_traces.branches_with_sent(door, wanted, deadline)
        )
        return answer(found, is_whole=is_whole)

    @router.post(PREFIX + "/traces/delete")
    async def delete(
        request: Request, trace_ids: Annotated[list[str], Body(alias="traceIds", embed=True)]
    ) -> Response:
        """Delete up to 1,000 traces with all their spans."""
        await ask(request, lambda _: spans.batch_delete_traces(trace_ids))
        return answer({"success": True})


def _traces(router: APIRouter, door: MastraDoor) -> None:
    @router.get(PREFIX + "/traces/{trace_id}")
    async def trace(request: Request, trace_id: str) -> Response:
        """All spans of a trace, by start."""
        found = await ask(
            request, lambda deadline: otlp_traces.whole_trace(door, trace_id, deadline)
        )
        return _found(found, "trace")

    @router.get(PREFIX + "/traces/{trace_id}/light")
    async def light_trace(request: Request, trace_id: str) -> Response:
        """The same without what can be large."""
        found = await ask(
            request, lambda deadline: otlp_traces.light_trace(door, trace_id, deadline)
        )
        return _found(found, "trace")

    @router.get(PREFIX + "/traces/{trace_id}/spans/{span_id}")
    async def span(request: Request, trace_id: str, span_id: str) -> Response:
        """One span."""
        found = await ask(
            request, lambda deadline: otlp_traces.one_span(door, trace_id, span_id, deadline)
        )
        return _found(None if found is None else {"span": found.model_dump(by_alias=True)}, "span")

    @router.get(PREFIX + "/traces/{trace_id}/branches/{span_id}")
    async def branch(
        request: Request,
        trace_id: str,
        span_id: str,
        depth: Annotated[int | None, Query(ge=0, le=10_000)] = None,
    ) -> Response:
        """A span with all below it, or `depth` levels of it."""
        found = await ask(
            request,
            lambda deadline: otlp_traces.branch_of(door, trace_id, span_id, depth, deadline),
        )
        return _found(found, "span")


def _discovery(router: APIRouter, door: MastraDoor) -> None:
    async def values(
        request: Request, name: str, field: Field, entity_type: str | None = None
    ) -> Response:
        found, is_whole = await ask(
            request,
            lambda deadline: otlp_values.values_with_sent(door, field, entity_type, deadline),
        )
        return answer({name: found}, is_whole=is_whole)

    @router.get(PREFIX + "/capabilities")
    async def what_is_served() -> Response:
        """Which routes of Mastra's observability are served."""
        return answer(capabilities(door.store.observability))

    @router.get(PREFIX + "/discovery/entity-types")
    async def entity_types(request: Request) -> Response:
        """Types of entities that spans are of."""
        return await values(request, "entityTypes", "entity_type")

    @router.get(PREFIX + "/discovery/service-names")
    async def service_names(request: Request) -> Response:
        """Services that spans name."""
        return await values(request, "serviceNames", "service_name")

    @router.get(PREFIX + "/discovery/environments")
    async def environments(request: Request) -> Response:
        """Environments that spans name."""
        return await values(request, "environments", "environment")

    @router.get(PREFIX + "/discovery/entity-names")
    async def entity_names(
        request: Request, entity_type: Annotated[str | None, Query(alias="entityType")] = None
    ) -> Response:
        """Names of entities, of one type or of all."""
        return await values(request, "names", "entity_name", entity_type)

    @router.get(PREFIX + "/discovery/tags")
    async def tags(
        request: Request, entity_type: Annotated[str | None, Query(alias="entityType")] = None
    ) -> Response:
        """Tags of spans, of one type of entities or of all."""
        found, is_whole = await ask(
            request, lambda deadline: otlp_values.tags_with_sent(door, entity_type, deadline)
        )
        return answer({"tags": found}, is_whole=is_whole)


def _found(content: BaseModel | dict[str, Any] | None, what: str) -> Response:
    if content is None:
        raise HTTPException(404, f"no such {what}")
    return answer(content)
