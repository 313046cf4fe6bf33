"""The routes of the API: whole canonical spans, beside what the answer rests on and what it cost.

Texts that cannot be what a parameter means are refused with 422, unknown parameters as well.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.api.facets import add_facets
from indexer.clients.api.models import (
    JaegerTrace,
    OtlpTrace,
    SpansPage,
    TraceAnswer,
    TraceFacts,
    TracesPage,
)
from indexer.clients.api.tail import tail
from indexer.clients.host import Host
from indexer.clients.shared.answer_headers import HEADERS, respond
from indexer.clients.shared.known_parameters import known_parameters
from indexer.clients.shared.prefix_router import PrefixRouter
from indexer.clients.shared.search_body import SearchBody, TraceSearchBody
from indexer.clients.shared.search_words import SearchWords, TraceSearchWords
from indexer.clients.shared.span_ids import TraceId
from indexer.clients.shared.text_path import register
from indexer.clients.shared.trace_formats import MEDIA_TYPES, Format, encode_trace
from indexer.query.answer import SpansAnswer
from indexer.query.deadline import Deadline
from indexer.query.find.trace_query import PAGE_SPANS_MAX, TraceQuery
from indexer.query.trace_facts import summarise_trace
from indexer.query.trace_prefix import whole_trace_id
from indexer.query.trace_search import search_traces

_SPANS: dict[str, Any] = {"responses": {200: {"model": SpansPage, "headers": HEADERS}}}
_TRACE: dict[str, Any] = {
    "responses": {
        200: {
            "model": TraceAnswer | OtlpTrace | JaegerTrace,
            "content": {"text/markdown": {"schema": {"type": "string"}}},
            "headers": HEADERS,
        }
    }
}
_TRACES: dict[str, Any] = {"responses": {200: {"model": TracesPage, "headers": HEADERS}}}
_SUMMARY: dict[str, Any] = {"responses": {200: {"model": TraceFacts, "headers": HEADERS}}}
Form = Annotated[
    Format,
    Query(
        alias="format",
        description="This program's JSON, OTLP's, that of Jaeger's UI, or Markdown of 64 KiB at "
        "most, which names what it leaves out. What the trace lacks is in headers for all of them.",
    ),
]

PageLimit = Annotated[
    int | None,
    Query(ge=1, le=PAGE_SPANS_MAX, description="Spans of one page; without it, all of them."),
]
PageCursor = Annotated[str | None, Query(description="What `next_cursor` of the page before said.")]


def api(host: Host) -> APIRouter:
    """The router over one worker."""
    register()
    router = PrefixRouter(prefix="/api/v1", tags=["api"], dependencies=[Depends(known_parameters)])

    _add_traces(router, host)
    _add_searches(router, host)
    add_facets(router, host)
    tail(router, host)
    return router


def _add_traces(router: APIRouter, host: Host) -> None:
    @router.get("/traces/{trace_id:text}/summary", **_SUMMARY)
    async def summary(request: Request, trace_id: TraceId) -> Response:
        """The facts of a trace before its spans; what `trace --summary --json` writes.

        Counts by service and kind, what the trace waited for (its critical path), the slowest and
        the first failing span, times in which nothing ran, and tokens of language models.
        """
        return await respond(request, lambda end: summarise_trace(host.answers, trace_id, end))

    @router.get("/traces/{trace_id:text}", **_TRACE)
    async def trace(
        request: Request,
        trace_id: TraceId,
        form: Form = "json",
        limit: PageLimit = None,
        cursor: PageCursor = None,
        *,
        payload: Annotated[
            bool, Query(description="Without it the index alone answers: the tree of the trace.")
        ] = True,
    ) -> Response:
        """All spans of the trace in order of start, whole; what `trace --json` writes.

        A trace that nobody knows has no spans. With `limit` a huge trace comes in pages, and with
        `payload=false` its IDs, parents, times and states without a file being opened.
        """

        def encode(answer: SpansAnswer) -> bytes:
            return encode_trace(answer, form)

        def found(deadline: Deadline) -> SpansAnswer:
            query = TraceQuery.of(whole_trace_id(host.answers, trace_id, deadline))
            if limit is not None or cursor is not None:
                query = query.page_after(PAGE_SPANS_MAX if limit is None else limit, cursor)
            return host.answers.trace(query, deadline, payload=payload)

        return await respond(request, found, encode, MEDIA_TYPES[form], is_brief=payload)


def _add_searches(router: APIRouter, host: Host) -> None:
    @router.get("/search/spans", **_SPANS)
    async def search_spans(request: Request, words: Annotated[SearchWords, Query()]) -> Response:
        """The newest or slowest spans that meet every word, whole; what `search --json` writes.

        Of words that the index knows no file is opened but for the payload of the spans that are
        answered. For `attr` and `text` files are read, newest first, as many as one page may: a
        page may be short or empty and still have a `next_cursor`, which goes on from there.
        """
        query = words.query()
        return await respond(request, lambda deadline: host.answers.spans(query, deadline=deadline))

    @router.post("/search/spans", **_SPANS)
    async def search_spans_by_body(request: Request, body: SearchBody) -> Response:
        """The same as JSON: the words of the URL, and `and`, `or` and `not` of objects of them.

        Such as `{"service": "shop", "or": [{"status": "error"}, {"attr": ["retries>=3"]}]}`.
        """
        query = body.query()
        return await respond(request, lambda deadline: host.answers.spans(query, deadline=deadline))

    @router.get("/search/traces", **_TRACES)
    async def search_traces_by_url(
        request: Request, words: Annotated[TraceSearchWords, Query()]
    ) -> Response:
        """Traces with a span that meets every word, each once; of `search --traces --json`.

        A trace stands where its newest, or slowest, matching span stands. Its facts are of all its
        spans, and `limit` counts traces.
        """
        query = words.query()
        return await respond(request, lambda end: search_traces(host.answers, query, end))

    @router.post("/search/traces", **_TRACES)
    async def search_traces_by_body(request: Request, body: TraceSearchBody) -> Response:
        """The same as JSON, like `POST /api/v1/search/spans`."""
        query = body.query()
        return await respond(request, lambda end: search_traces(host.answers, query, end))
