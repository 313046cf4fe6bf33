"""Refusals as RFC 9457 problem details, whatever was raised.

A problem has ``type``, ``title``, ``status`` and ``detail``, and a ``hint`` where there is a next
step.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from indexer.errors import (
    IndexerError,
    InvalidId,
    OperatorsOnly,
    QueryRefused,
    QueryTimedOut,
    QueryTooLarge,
    TransientError,
    Unauthorized,
)
from indexer.telemetry.log import HTTP_FAILED, log_fault

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
"""What is transient here is over in a second: the catalog is opened anew, or a place is free."""
EXCERPT_CHARS_MAX = 200
"""Of what a client sent: enough to know it again, and no way to fill a log."""
_STATUS: Mapping[type[IndexerError], int] = {
    InvalidId: 422,
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
    return JSONResponse({**body, **(more or {})}, status, dict(headers or {}), MEDIA_TYPE)


def of_error(error: IndexerError) -> Response:
    """The refusal of a typed error; the catalog's class name is its title."""
    transient = isinstance(error, TransientError)
    status = _STATUS.get(type(error), 503 if transient else 500)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log_fault(HTTP_FAILED, f"{error.error_type}: {error.message}", error)
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
    )


def of_fault(method: str, path: str, fault: Exception) -> Response:
    """The refusal of what should not have happened: the log has the traceback, the client not."""
    message = f"{excerpt(method)} {excerpt(path)}: {type(fault).__name__}: {fault}"
    log_fault(HTTP_FAILED, message, fault)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "The service met a fault of its own."
    return problem(status, status.phrase, detail, hint="Its log has the cause.")


def excerpt(value: object) -> str:
    """A value of a client, as text of bounded length."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= EXCERPT_CHARS_MAX else f"{text[:EXCERPT_CHARS_MAX]}..."
