"""Junjo's REST API: the paths of its first backend, and those that its front end calls.

Both give the same bodies: plain JSON arrays of spans with 22 fields, newest first. What an answer
rests on, what it cost and where the next page begins stand in headers (see ``basis``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.junjo.models import JunjoSpan, JunjoStatePatch
from indexer.clients.junjo.spans import WORKFLOW, WORKFLOW_TYPES, junjo_span, state_patches_of
from indexer.clients.shared.answer_headers import HEADERS, respond
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.text_path import register
from indexer.clients.shared.time_window import window
from indexer.errors import InvalidId
from indexer.query.answer import Completeness, ServicesAnswer, SpansAnswer
from indexer.query.cost import Cost
from indexer.query.deadline import Deadline
from indexer.query.find.cursor import page_after
from indexer.query.find.span_query import LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX, SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.span_cache import CACHE_BYTES_MAX, EncodedSpanCache
from indexer.query.window import ANY_TIME, Window
from indexer.spans.shared_ids import at_work

SPAN_TYPE = "junjo.span_type"
_CHARS_MAX = 1_024
"""Of a service name or an id in a path: far longer than any."""

ServiceName = Annotated[str, Path(max_length=_CHARS_MAX)]
TraceId = Annotated[str, Path(max_length=_CHARS_MAX, examples=["0af7651916cd43dd8448eb211c80319c"])]
WorkflowId = Annotated[str, Path(max_length=_CHARS_MAX)]
SpanId = Annotated[str, Path(max_length=_CHARS_MAX, examples=["b7ad6b7169203331"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which part of a list a request is for."""

    request: Request
    within: Window
    limit: int
    offset: int
    cursor: str | None

    def query(self, **filters: Any) -> SpanQuery:
        """The page of a list with these filters. Raises QueryRefused for another's cursor."""
        query = SpanQuery(
            limit=self.limit,
            offset=self.offset,
            since_unix_nano=self.within.since_unix_nano,
            until_unix_nano=self.within.until_unix_nano,
            **filters,
        )
        return query if self.cursor is None else page_after(query, self.cursor)


async def _paging(
    request: Request,
    within: Annotated[Window, Depends(window)],
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
    cursor: Annotated[
        str | None, Query(description="What `X-Next-Cursor` of the page before said.")
    ] = None,
) -> Paging:
    return Paging(request=request, within=within, limit=limit, offset=offset, cursor=cursor)


PagingOf = Annotated[Paging, Depends(_paging)]
WindowOf = Annotated[Window, Depends(window)]
_SPANS: dict[str, Any] = {"responses": {200: {"model": list[JunjoSpan], "headers": HEADERS}}}
_SPAN: dict[str, Any] = {"responses": {200: {"model": JunjoSpan | None, "headers": HEADERS}}}
_NAMES: dict[str, Any] = {"responses": {200: {"model": list[str], "headers": HEADERS}}}
_PATCHES: dict[str, Any] = {
    "responses": {200: {"model": list[JunjoStatePatch], "headers": HEADERS}}
}


def junjo(host: Host, *, span_cache_bytes: int = CACHE_BYTES_MAX) -> APIRouter:
    """The router over one worker."""
    register()
    router = APIRouter(tags=["junjo"])
    encoding = EncodedSpanCache(lambda span: as_json(junjo_span(span)), bytes_max=span_cache_bytes)
    _lists(router, host, encoding)
    _traces(router, host, encoding)
    _patches(router, host)
    return router


def _lists(router: APIRouter, host: Host, encoding: EncodedSpanCache) -> None:
    @router.get("/otel/span_service_names", **_NAMES)
    @router.get("/api/v1/observability/services", **_NAMES)
    async def service_names(request: Request, within: WindowOf) -> Response:
        """Every service that a span has named, in order of name."""

        def found(deadline: Deadline) -> ServicesAnswer:
            return host.answers.services(deadline, within)

        return await respond(request, found, _names)

    @router.get("/api/v1/observability/services/{service_name:text}/spans/root", **_SPANS)
    async def roots(
        service_name: ServiceName, paging: PagingOf, *, has_llm: bool = False
    ) -> Response:
        """Spans of the service without a parent; on demand only of traces with an LLM call."""
        return await _page(host, encoding, paging, service=service_name, roots=True, llm=has_llm)

    @router.get("/otel/service/{service_name:text}/root_spans", **_SPANS)
    async def root_spans(service_name: ServiceName, paging: PagingOf) -> Response:
        """Spans of the service without a parent."""
        return await _page(host, encoding, paging, service=service_name, roots=True)

    @router.get("/otel/service/{service_name:text}/root_spans_filtered", **_SPANS)
    async def root_spans_filtered(service_name: ServiceName, paging: PagingOf) -> Response:
        """Spans of the service without a parent, of traces with an LLM call in any service."""
        return await _page(host, encoding, paging, service=service_name, roots=True, llm=True)

    @router.get("/api/v1/observability/services/{service_name:text}/spans", **_SPANS)
    async def spans(service_name: ServiceName, paging: PagingOf) -> Response:
        """All spans of the service."""
        return await _page(host, encoding, paging, service=service_name)

    @router.get("/otel/spans/type/workflow/{service_name:text}", **_SPANS)
    @router.get("/api/v1/observability/services/{service_name:text}/workflows", **_SPANS)
    async def workflows(service_name: ServiceName, paging: PagingOf) -> Response:
        """Spans of the service that are Junjo workflows; those inside another one are not."""
        return await _page(
            host, encoding, paging, service=service_name, attribute=SPAN_TYPE, value=WORKFLOW
        )


def _traces(router: APIRouter, host: Host, encoding: EncodedSpanCache) -> None:
    @router.get("/otel/trace/{trace_id}/nested_spans", **_SPANS)
    @router.get("/api/v1/observability/traces/{trace_id}/spans", **_SPANS)
    async def trace_spans(request: Request, trace_id: TraceId, within: WindowOf) -> Response:
        """All spans of the trace; none for an id that no trace has."""
        return await _trace(
            host, request, _newest_first, trace_id, within=within, encoding=encoding
        )

    @router.get("/otel/trace/{trace_id}/span/{span_id}", **_SPAN)
    @router.get("/api/v1/observability/traces/{trace_id}/spans/{span_id}", **_SPAN)
    async def one_span(
        request: Request, trace_id: TraceId, span_id: SpanId, within: WindowOf
    ) -> Response:
        """One span, or null; of a client's and a server's that share the ID, the server's."""
        return await _trace(host, request, _one, trace_id, span_id, within, encoding)


def _patches(router: APIRouter, host: Host) -> None:
    @router.get("/otel/trace/{trace_id}/state_patches", **_PATCHES)
    async def patches(request: Request, trace_id: TraceId) -> Response:
        """The changes of state in the trace, in order of time."""
        return await _trace(host, request, _in_order, trace_id)

    @router.get("/otel/trace/{trace_id}/workflow/{workflow_id:text}/state_patches", **_PATCHES)
    async def workflow_patches(
        request: Request, trace_id: TraceId, workflow_id: WorkflowId
    ) -> Response:
        """The changes of the state of one workflow or subflow, by its `junjo_id`."""
        return await _trace(host, request, partial(_of_workflow, workflow_id), trace_id)


async def _page(host: Host, encoding: EncodedSpanCache, paging: Paging, **filters: Any) -> Response:
    query = paging.query(**filters)

    def found(deadline: Deadline) -> SpansAnswer:
        return host.answers.spans(query, deadline=deadline, encoding=encoding)

    return await respond(paging.request, found, _spans)


async def _trace(
    host: Host,
    request: Request,
    body: Callable[[SpansAnswer], bytes],
    trace_id: str,
    span_id: str | None = None,
    within: Window = ANY_TIME,
    encoding: EncodedSpanCache | None = None,
) -> Response:
    """What ``body`` makes of a trace; an invalid ID names no trace."""

    def found(deadline: Deadline) -> SpansAnswer:
        try:
            query = TraceQuery.of(
                trace_id,
                span_id,
                since_unix_nano=within.since_unix_nano,
                until_unix_nano=within.until_unix_nano,
            )
        except InvalidId:
            return SpansAnswer(spans=(), completeness=Completeness(), cost=Cost())
        return host.answers.trace(query, deadline, encoding)

    return await respond(request, found, body)


def _names(answer: ServicesAnswer) -> bytes:
    return as_json([one.service_name for one in answer.services])


def _spans(answer: SpansAnswer) -> bytes:
    return _array(answer.encoded)


def _newest_first(answer: SpansAnswer) -> bytes:
    """Of a trace, whose answer is in order of start."""
    newest = SpanQuery()
    order = sorted(range(len(answer.spans)), key=lambda at: newest.order(answer.spans[at]))
    return _array([answer.encoded[at] for at in order])


def _array(encoded: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(encoded) + b"]"


def _one(answer: SpansAnswer) -> bytes:
    if not answer.encoded:
        return b"null"
    return answer.encoded[at_work([span.span_kind for span in answer.spans])]


def _in_order(answer: SpansAnswer) -> bytes:
    return as_json(state_patches_of(answer.spans))


def _of_workflow(workflow_id: str, answer: SpansAnswer) -> bytes:
    """A workflow's own patches, and those that other spans made to its store."""
    flows = [
        one
        for one in map(junjo_span, answer.spans)
        if one["junjo_span_type"] in WORKFLOW_TYPES and one["junjo_id"] == workflow_id
    ]
    stores = {one["junjo_wf_store_id"] for one in flows} - {""}
    own = {one["span_id"] for one in flows}
    return as_json(
        [
            patch
            for patch in state_patches_of(answer.spans)
            if patch["patch_store_id"] in stores
            or (patch["span_id"] in own and not patch["patch_store_id"])
        ]
    )
