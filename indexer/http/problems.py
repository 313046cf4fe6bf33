"""Refusals as RFC 9457 problem details, whatever was raised.

A problem has ``type``, ``title``, ``status`` and ``detail``, and a ``hint`` where there is a next
step.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from starlette.responses import Response

from indexer.errors import (
    IndexerError,
    InvalidId,
    InvalidMastraCall,
    OperatorsOnly,
    QueryRefused,
    QueryTimedOut,
    QueryTooLarge,
    TransientError,
    Unauthorized,
)
from indexer.http import events
from indexer.telemetry.log import HTTP_FAILED, log_fault
from indexer.telemetry.log_rate import log_rarely

MEDIA_TYPE = "application/problem+json"
FAULT_ID_BYTES = 6
"""Enough to find one line in a log."""
RETRY_AFTER_S = 1
"""What is transient here is over in a second: the catalog is opened anew, or a place is free."""
EXCERPT_CHARS_MAX = 200
"""Of what a client sent: enough to know it again, and no way to fill a log."""
_STATUS: Mapping[type[IndexerError], int] = {
    InvalidId: 422,
    InvalidMastraCall: 400,
    OperatorsOnly: 403,
    QueryRefused: 400,
    QueryTooLarge: 400,
    Unauthorized: 401,
    QueryTimedOut: 504,
}


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    hint: str = "",
    kind: str = "about:blank",
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """One refusal; ``more`` are members of this problem alone."""
    body = {"type": kind, "title": title, "status": status, "detail": detail}
    body |= {"hint": hint} if hint else {}
    content = json.dumps({**body, **(more or {})})  # in ASCII: a path may have a lone surrogate
    return Response(content, status, dict(headers or {}), MEDIA_TYPE)


def of_error(error: IndexerError) -> Response:
    """The refusal of a typed error; its class name is the title.

    What passes by itself is logged once a minute, what does not is a fault with an ID.
    """
    transient = isinstance(error, TransientError)
    status = _STATUS.get(type(error), 503 if transient else 500)
    more = {}
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        more = {"instance": _logged(f"{error.error_type}: {error.message}", error)}
    elif status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}:
        log_rarely(events.REFUSED_FOR_NOW, f"{error.error_type}: {error.message}")
    headers = (
        {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    )
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        status,
        error.error_type,
        error.message,
        hint=error.advice,
        kind=f"urn:span-indexer:error:{error.error_type}",
        headers=headers,
        more=more,
    )


def of_fault(method: str, path: str, fault: Exception) -> Response:
    """The refusal of what should not have happened: the log has the traceback, the client not."""
    message = f"{excerpt(method)} {excerpt(path)}: {type(fault).__name__}: {fault}"
    more = {"instance": _logged(message, fault)}
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "The service hit an internal error."
    hint = "Its log has the cause under the ID of this instance."
    return problem(status, status.phrase, detail, hint=hint, more=more)


def _logged(message: str, fault: Exception) -> str:
    """Log a fault with an ID, for whoever is shown the ID alone."""
    fault_id = token_hex(FAULT_ID_BYTES)
    log_fault(HTTP_FAILED, f"fault {fault_id}: {message}", fault, fault_id=fault_id)
    return f"urn:span-indexer:fault:{fault_id}"


def excerpt(value: object) -> str:
    """A value of a client, as text of bounded length."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= EXCERPT_CHARS_MAX else f"{text[:EXCERPT_CHARS_MAX]}..."
