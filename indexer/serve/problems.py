"""Refusals of every HTTP route as RFC 9457 problem details, whatever was raised.

A problem has ``type``, ``title``, ``status`` and ``detail``, and a ``hint`` where there is a next
step. One of validation has ``errors`` beside them: the parameter, where it was, and its bounds.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import duckdb
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from indexer.errors import (
    CatalogWriteFailed,
    IndexerError,
    QueryRefused,
    QueryTimedOut,
    QueryTooLarge,
    TransientError,
    Unauthorized,
)
from indexer.telemetry import HTTP_FAILED, log_fault

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
"""What is transient here is over in a second: the catalog is opened anew, or a place is free."""
SHOWN_CHARS_MAX = 200
"""Of what a client sent: enough to know it again, and no way to fill a log."""
CLIENT_CLOSED = 499
"""What proxies log for a client that did not wait; nobody receives it."""
_STATUS: Mapping[type[IndexerError], int] = {
    QueryRefused: 400,
    QueryTooLarge: 400,
    Unauthorized: 401,
    QueryTimedOut: 504,
}
_BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "expected", "multiple_of")


_TEXT = {"type": "string"}
RESPONSE: dict[str, Any] = {
    "description": "A refusal: problem details of RFC 9457.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": _TEXT,
                    "title": _TEXT,
                    "status": {"type": "integer"},
                    "detail": _TEXT,
                    "hint": _TEXT,
                    "errors": {"type": "array", "items": {"type": "object"}},
                    "reasons": {"type": "array", "items": _TEXT},
                },
            }
        }
    },
}
"""How OpenAPI describes all of them."""


class ParameterRefused(Exception):
    """A parameter that is out of its bounds, where no model checks it."""

    def __init__(self, parameter: str, value: object, **bounds: int) -> None:
        super().__init__(f"{parameter} is {shown(value)}")
        self.parameter = parameter
        self.value = value
        self.bounds = bounds


class ClientGone(Exception):
    """The client closed the connection before its answer was there."""


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
    message = f"{shown(method)} {shown(path)}: {type(fault).__name__}: {fault}"
    log_fault(HTTP_FAILED, message, fault)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "The service met a fault of its own."
    return problem(status, status.phrase, detail, hint="Its log has the cause.")


def shown(value: object) -> str:
    """A value of a client, as text of bounded length."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}..."


def _typed(_: Request, error: Exception) -> Response:
    assert isinstance(error, IndexerError)  # noqa: S101 - the handler is registered for it alone
    return of_error(error)


def _unavailable(_: Request, error: Exception) -> Response:
    """The database refuses: it is being opened again after a failed commit."""
    return of_error(CatalogWriteFailed(str(error).partition("\n")[0]))


def _http(request: Request, error: Exception) -> Response:
    """An unknown path, a method that it does not have, or what a route says by itself."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    title = HTTPStatus(error.status_code).phrase
    said = f"{shown(request.method)} {shown(request.url.path)}: {title}"
    detail = said if error.detail == title else shown(error.detail)
    return problem(error.status_code, title, detail, headers=error.headers)


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    found = [_of_model(one) for one in error.errors()]
    return _unprocessable(found)


def _parameter(_: Request, error: Exception) -> Response:
    assert isinstance(error, ParameterRefused)  # noqa: S101 - as above
    bounds = " to ".join(str(one) for one in error.bounds.values())
    message = f"expected {bounds}"
    where = {"parameter": error.parameter, "in": "query", "value": shown(error.value)}
    return _unprocessable([{**where, "message": message, **error.bounds}])


def _of_model(found: Mapping[str, Any]) -> dict[str, Any]:
    """One of pydantic's errors: which parameter, where it was, what was expected."""
    where, *names = [str(one) for one in found["loc"]] or [""]
    bounds = {name: one for name, one in found.get("ctx", {}).items() if name in _BOUNDS}
    about = {"parameter": shown(".".join(names)), "in": where, "value": shown(found.get("input"))}
    return {**about, "message": found["msg"], **bounds}


def _unprocessable(found: Sequence[Mapping[str, Any]]) -> Response:
    detail = "; ".join(f"{one['parameter']} is {one['value']!r}: {one['message']}" for one in found)
    return problem(422, "Unprocessable Content", detail, more={"errors": found})


def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED)


HANDLERS: Mapping[Any, ExceptionHandler] = {
    IndexerError: _typed,
    duckdb.Error: _unavailable,
    HTTPException: _http,
    RequestValidationError: _invalid,
    ParameterRefused: _parameter,
    ClientGone: _gone,
}
"""For an application's ``exception_handlers``."""
