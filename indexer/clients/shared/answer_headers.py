"""What an answer rests on and what it cost, in headers: the body stays what its clients know.

The cost stands in ``Server-Timing`` (W3C), where browsers show it, and the next page in ``Link``
with ``rel="next"`` (RFC 8288).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.shared import request_metrics as measuring
from indexer.clients.shared.answer_json import answer_text, cost_json, missing_json
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.query_executor import ask
from indexer.query.answer import Answer, IndexAnswer, OperationsAnswer, SpansAnswer, TracesAnswer
from indexer.query.cost import Cost
from indexer.query.deadline import Deadline
from indexer.query.missing import Missing

A = TypeVar("A", bound=Answer)

HEADER_BYTES_MAX = 2_048
"""Of one of two such headers: clients and proxies take 8 KiB of all of them together."""
ENTRIES_MAX = HEADER_BYTES_MAX // 16
"""No more could fit: the rest is not written before it is cut off."""

HEADERS: dict[str, Any] = {
    name: {"description": text, "schema": {"type": kind}}
    for name, kind, text in (
        (
            "X-Complete",
            "boolean",
            "Whether every span acknowledged before `X-As-Of` is considered.",
        ),
        ("X-Missing", "string", "A JSON array of what is not: error type and detail, the first."),
        ("X-As-Of", "integer", "Nanoseconds since 1970; absent without a hot tier that answers."),
        ("X-Hot", "string", "`reachable` or `unreachable`; absent without a hot tier."),
        ("X-Files-Pending", "integer", "Files that were seen and are not in the index yet."),
        ("X-Files-Quarantined", "integer", "Files that were refused, whatever they hold."),
        ("X-Files-Read", "integer", "Files whose payload was read for the answer."),
        ("X-Bytes-Read", "integer", "Compressed bytes that were read from them."),
        (
            "X-Next-Cursor",
            "string",
            "Hand it back as `cursor` for the next page; absent at the end.",
        ),
        ("Link", "string", "The next page, with rel=next; absent at the end."),
        (
            "X-Altered-Spans",
            "integer",
            "Spans with a value that this body cannot hold, and another in its place; or absent.",
        ),
        ("X-Altered", "string", "A JSON array of them and the fields that are meant, the first."),
        ("Server-Timing", "string", "Milliseconds in the index and in the files."),
    )
}


async def respond(
    request: Request,
    question: Callable[[Deadline], A],
    body: Callable[[A], bytes] = answer_text,
    media_type: str = "application/json",
    *,
    is_brief: bool = False,
) -> Response:
    """The text that is made of an answer, and what the answer says of itself.

    Both are made where the question is answered, so that a large one holds up nobody else.
    """

    def found(answer: A) -> tuple[int, bytes]:
        return 200, body(answer)

    return await respond_with_status(request, question, found, media_type, is_brief=is_brief)


async def respond_with_status(
    request: Request,
    question: Callable[[Deadline], A],
    body: Callable[[A], tuple[int, bytes]],
    media_type: str = "application/json",
    *,
    is_brief: bool = False,
) -> Response:
    """The same for an answer that may be a refusal, whose body its client reads."""

    def encode(deadline: Deadline) -> tuple[tuple[int, bytes], A]:
        answer = question(deadline)
        return body(answer), answer

    (status, content), answer = await ask(request, encode, is_brief=is_brief, at_once=is_brief)
    measuring.count_answer(request, complete=answer.completeness.is_complete)
    if isinstance(answer, SpansAnswer):
        measuring.count_altered(request, sum(map(bool, answer.altered)))
    headers = _headers(request, answer)
    return Response(content, status, headers, media_type)


async def respond_list(
    request: Request, question: Callable[[Deadline], list[dict[str, Any]]]
) -> Response:
    """A list of files, which says nothing of itself."""
    content = await ask(request, lambda deadline: as_json(question(deadline)))
    return Response(content, media_type="application/json")


def _headers(request: Request, answer: Answer) -> dict[str, str]:
    said = answer.completeness
    headers = {"X-Complete": "true" if said.is_complete else "false"}
    if said.missing:
        headers["X-Missing"] = _missing(said.missing)
    if said.hot is not None:
        headers["X-Hot"] = "reachable" if said.hot.is_reachable else "unreachable"
    named = {
        "X-As-Of": said.as_of_unix_nano,
        "X-Files-Pending": said.files_pending,
        "X-Files-Quarantined": said.files_quarantined,
    }
    headers |= {name: str(value) for name, value in named.items() if value is not None}
    if not isinstance(answer, IndexAnswer):
        headers |= _cost(answer.cost)
    if (
        isinstance(answer, SpansAnswer | OperationsAnswer | TracesAnswer)
        and answer.next_cursor is not None
    ):
        next_page = _next_page(request, answer.next_cursor)
        headers |= {"X-Next-Cursor": answer.next_cursor, "Link": f'<{next_page}>; rel="next"'}
    if isinstance(answer, SpansAnswer):
        headers |= _altered(answer)
    return headers


def _cost(cost: Cost) -> dict[str, str]:
    values = cost_json(cost)
    return {
        "X-Files-Read": str(values["files_read"]),
        "X-Bytes-Read": str(values["bytes_read"]),
        "Server-Timing": f"index;dur={values['index_ms']}, payload;dur={values['payload_ms']}",
    }


def _altered(answer: SpansAnswer) -> dict[str, str]:
    """Which spans have a value that the body cannot hold."""
    found = [
        {"trace_id": span.trace_id, "span_id": span.span_id, "fields": fields}
        for span, fields in zip(answer.spans, answer.altered, strict=False)
        if fields
    ]
    return {"X-Altered-Spans": str(len(found)), "X-Altered": _fitting(found)} if found else {}


def _missing(missing: Sequence[Missing]) -> str:
    return _fitting([missing_json(one) for one in missing])


def _fitting(entries: Sequence[Mapping[str, Any]]) -> str:
    """As many as fit; JSON in ASCII, so that no name of a file ends a header."""
    entries = entries[:ENTRIES_MAX]
    while len(text := json.dumps(entries)) > HEADER_BYTES_MAX:
        entries = entries[: len(entries) // 2]
    return text


def _next_page(request: Request, cursor: str) -> str:
    """The same question after the cursor; skipping was for the first page."""
    asked = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in {"cursor", "offset"}
    ]
    path = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
    return f"{path}?{urlencode([*asked, ('cursor', cursor)])}"
