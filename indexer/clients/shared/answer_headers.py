"""What an answer rests on and what it cost, in headers: the body stays what its clients know.

The cost stands in ``Server-Timing`` (W3C), where browsers show it, and the next page in ``Link``
with ``rel="next"`` (RFC 8288).
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.shared import request_metrics as measuring
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.query_executor import ask
from indexer.query.deadline import Deadline

Answer = dict[str, Any]
Question = Callable[[Deadline], Answer]
Body = Callable[[Answer], bytes]
"""What of an answer is shown, as JSON text."""

MISSING_BYTES_MAX = 4_096
"""Of one header: clients and proxies take 8 KiB of all of them together."""

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
        ("Server-Timing", "string", "Milliseconds in the index and in the files."),
    )
}


async def respond(request: Request, question: Question, body: Body = as_json) -> Response:
    """The JSON text that is made of an answer, and what the answer says of itself.

    Both are made where the question is answered, so that a large one holds up nobody else.
    """

    def encoded(deadline: Deadline) -> tuple[bytes, Answer]:
        answer = question(deadline)
        return body(answer), answer

    content, answer = await ask(request, encoded)
    measuring.answered(request, complete=answer["complete"])
    return Response(content, headers=_headers(request, answer), media_type="application/json")


async def respond_list(
    request: Request, question: Callable[[Deadline], list[dict[str, Any]]]
) -> Response:
    """A list of files, which says nothing of itself."""
    content = await ask(request, lambda deadline: as_json(question(deadline)))
    return Response(content, media_type="application/json")


def _headers(request: Request, answer: dict[str, Any]) -> dict[str, str]:
    headers = {"X-Complete": "true" if answer["complete"] else "false"}
    if answer["missing"]:
        headers["X-Missing"] = _missing(answer["missing"])
    if answer.get("hot") is not None:
        headers["X-Hot"] = "reachable" if answer["hot"]["reachable"] else "unreachable"
    named = {
        "X-As-Of": answer.get("as_of"),
        "X-Files-Pending": answer.get("files_pending"),
        "X-Files-Quarantined": answer.get("files_quarantined"),
        "X-Next-Cursor": answer.get("next"),
    }
    headers |= {name: str(value) for name, value in named.items() if value is not None}
    if answer.get("next") is not None:
        headers["Link"] = f'<{_next_page(request, answer["next"])}>; rel="next"'
    if "cost" in answer:
        headers |= _cost(answer["cost"])
    return headers


def _cost(cost: dict[str, Any]) -> dict[str, str]:
    return {
        "X-Files-Read": str(cost["files_read"]),
        "X-Bytes-Read": str(cost["bytes_read"]),
        "Server-Timing": f"index;dur={cost['index_ms']}, payload;dur={cost['payload_ms']}",
    }


def _missing(missing: list[dict[str, Any]]) -> str:
    """As many as fit; JSON in ASCII, so that no name of a file ends a header."""
    shown = missing
    while len(text := json.dumps(shown)) > MISSING_BYTES_MAX:
        shown = shown[: len(shown) // 2]
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
