"""What routes raise as problem details. What FastAPI refuses is in ``validation_problems``."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from indexer.errors import IndexerError
from indexer.http.problems import MEDIA_TYPE, excerpt, of_error, problem

CLIENT_CLOSED = 499
"""What proxies log for a client that did not wait; nobody receives it."""

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
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


class ClientGone(Exception):
    """The client closed the connection before its answer was there."""


def _typed(_: Request, error: Exception) -> Response:
    assert isinstance(error, IndexerError)  # noqa: S101 - the handler is registered for it alone
    return of_error(error)


def _http(request: Request, error: Exception) -> Response:
    """An unknown path, a method that it does not have, or what a route says by itself."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    title = HTTPStatus(error.status_code).phrase
    said = f"{excerpt(request.method)} {excerpt(request.url.path)}: {title}"
    detail = said if error.detail == title else excerpt(error.detail)
    headers, hint = dict(error.headers or {}), ""
    if error.status_code == HTTPStatus.NOT_FOUND and detail == said:
        hint = "GET /docs describes every route."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
        hint = f"It takes {headers['Allow']}."
    return problem(error.status_code, title, detail, hint=hint, headers=headers)


def _methods(request: Request) -> list[str]:
    """Those that routes of its path have; the router names those of the first route alone."""
    routes = request.app.routes
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes
        )
    ]


def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED)


HANDLERS: Mapping[Any, Callable[[Request, Exception], Response]] = {
    IndexerError: _typed,
    HTTPException: _http,
    ClientGone: _gone,
}
"""For an application's ``exception_handlers``."""


def refusal_of(request: Request, error: Exception) -> Response | None:
    """What the application makes of an error; None of a fault."""
    kind = next((one for one in type(error).__mro__ if one in HANDLERS), None)
    return None if kind is None else HANDLERS[kind](request, error)
