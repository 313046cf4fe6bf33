"""The questions that Junjo's front ends ask, answered for any dialect: lists and single traces.

Bodies are plain JSON: arrays of spans, newest first, one span, or names. What an answer rests on,
what it cost and where the next page begins stand in headers (see ``answer_headers``).
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.junjo.dialect import Dialect
from indexer.clients.junjo.paging import Paging, paging
from indexer.clients.junjo.spans import SPAN_TYPE, WORKFLOW
from indexer.clients.junjo.traces import CHARS_MAX, TraceId, respond_trace
from indexer.clients.shared.answer_headers import HEADERS, respond
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.prefix_router import PrefixRouter
from indexer.clients.shared.time_window import window
from indexer.query.answer import ServicesAnswer, SpansAnswer
from indexer.query.deadline import Deadline
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.window import Window
from indexer.spans.shared_ids import at_work

ServiceName = Annotated[str, Path(max_length=CHARS_MAX)]
SpanId = Annotated[str, Path(max_length=CHARS_MAX, examples=["b7ad6b7169203331"])]
WindowOf = Annotated[Window, Depends(window)]


def question_routes(
    dialect: Dialect, host: Host, encoding: EncodedSpanCache, prefix: str = ""
) -> APIRouter:
    """The routes of one dialect; those with a prefix are not described once more."""
    router = PrefixRouter(
        prefix=prefix, include_in_schema=not prefix, generate_unique_id_function=_operation_id
    )
    _services(router, dialect, host)
    _roots(router, dialect, host, encoding)
    _lists(router, dialect, host, encoding)
    _traces(router, dialect, host, encoding)
    for make in dialect.routers:
        router.include_router(make(host))
    return router


def _operation_id(route: APIRoute) -> str:
    """Paths that differ in hyphens alone are different operations."""
    return re.sub(r"[^\w-]", "_", f"{route.name}{route.path_format}_get")


def _services(router: APIRouter, dialect: Dialect, host: Host) -> None:
    async def service_names(request: Request, within: WindowOf) -> Response:
        """Every service that a span has named, in order of name."""

        def found(deadline: Deadline) -> ServicesAnswer:
            return host.answers.services(deadline, within)

        return await respond(request, found, _names)

    _get(router, dialect.paths.services, service_names, list[str])


def _roots(router: APIRouter, dialect: Dialect, host: Host, encoding: EncodedSpanCache) -> None:
    asked = paging(dialect.limits.roots, dialect.limits.most)
    spans = list[dialect.model]  # type: ignore[name-defined]  # a value: the model of OpenAPI

    async def page(service: str, part: Paging, *, llm: bool) -> Response:
        in_service = llm and dialect.llm_in_service
        filters: dict[str, Any] = {"service": service, "roots": True, "llm": llm}
        filters["llm_in_service"] = in_service
        return await respond_page(host, encoding, part, **filters)

    async def root_spans(
        service_name: ServiceName, part: Annotated[Paging, Depends(asked)]
    ) -> Response:
        """Spans of the service without a parent."""
        return await page(service_name, part, llm=False)

    async def llm_root_spans(
        service_name: ServiceName, part: Annotated[Paging, Depends(asked)]
    ) -> Response:
        """Spans of the service without a parent, of traces with an LLM call in any service."""
        return await page(service_name, part, llm=True)

    async def roots(
        service_name: ServiceName,
        part: Annotated[Paging, Depends(asked)],
        *,
        has_llm: bool = False,
    ) -> Response:
        """Spans of the service without a parent; on demand only of traces with an LLM call."""
        return await page(service_name, part, llm=has_llm)

    _get(router, dialect.paths.roots, root_spans, spans)
    _get(router, dialect.paths.llm_roots, llm_root_spans, spans)
    _get(router, dialect.paths.roots_or_llm_roots, roots, spans)


def _lists(router: APIRouter, dialect: Dialect, host: Host, encoding: EncodedSpanCache) -> None:
    limits = dialect.limits
    of_spans, of_workflows = (
        paging(limits.roots, limits.most),
        paging(limits.workflows, limits.most),
    )
    model = list[dialect.model]  # type: ignore[name-defined]  # as above

    async def spans(
        service_name: ServiceName, part: Annotated[Paging, Depends(of_spans)]
    ) -> Response:
        """All spans of the service."""
        return await respond_page(host, encoding, part, service=service_name)

    async def workflows(
        service_name: ServiceName, part: Annotated[Paging, Depends(of_workflows)]
    ) -> Response:
        """Spans of the service that are Junjo workflows; those inside another one are not."""
        typed: dict[str, Any] = {"attribute": SPAN_TYPE.names[0], "value": WORKFLOW}
        return await respond_page(host, encoding, part, service=service_name, **typed)

    _get(router, dialect.paths.spans, spans, model)
    _get(router, dialect.paths.workflows, workflows, model)


def _traces(router: APIRouter, dialect: Dialect, host: Host, encoding: EncodedSpanCache) -> None:
    async def trace_spans(request: Request, trace_id: TraceId, within: WindowOf) -> Response:
        """All spans of the trace; none for an id that no trace has."""
        return await respond_trace(
            host, request, newest_first, trace_id, within=within, encoding=encoding
        )

    async def one_span(
        request: Request, trace_id: TraceId, span_id: SpanId, within: WindowOf
    ) -> Response:
        """One span, or null; of a client's and a server's that share the ID, the server's."""
        return await respond_trace(host, request, _one, trace_id, span_id, within, encoding)

    model = dialect.model
    _get(router, dialect.paths.trace, trace_spans, list[model])  # type: ignore[valid-type]
    _get(router, dialect.paths.one_span, one_span, model | None)


def _get(router: APIRouter, paths: Sequence[str], endpoint: Callable[..., Any], model: Any) -> None:
    for path in paths:
        router.get(path, responses={200: {"model": model, "headers": HEADERS}})(endpoint)


async def respond_page(
    host: Host, encoding: EncodedSpanCache, part: Paging, *, is_brief: bool = False, **filters: Any
) -> Response:
    """A page of spans with these filters. Raises QueryRefused for another list's cursor."""
    query = part.query(**filters)

    def found(deadline: Deadline) -> SpansAnswer:
        return host.answers.spans(query, deadline=deadline, encoding=encoding)

    return await respond(part.request, found, _spans, is_brief=is_brief)


def _names(answer: ServicesAnswer) -> bytes:
    return as_json([one.service_name for one in answer.services])


def _spans(answer: SpansAnswer) -> bytes:
    return _array(answer.encoded)


def newest_first(answer: SpansAnswer) -> bytes:
    """The body of a trace, whose answer is in order of start, span ID and kind."""
    later = [-span.start_time_unix_nano for span in answer.spans]
    order = sorted(range(len(later)), key=later.__getitem__)  # spans of one moment stay in order
    return _array([answer.encoded[at] for at in order])


def _array(encoded: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(encoded) + b"]"


def _one(answer: SpansAnswer) -> bytes:
    if not answer.encoded:
        return b"null"
    return answer.encoded[at_work([span.span_kind for span in answer.spans])]
