"""Requests counted and timed by route, and answers by whether they are complete."""

from time import perf_counter

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.telemetry import metrics

NO_ROUTE = "none"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_ANSWER = 0
"""The connection broke before there was a status."""


class Measured:
    """An ASGI middleware, around those that refuse."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request once it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _NO_ANSWER

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began_s = perf_counter()
        try:
            await self._app(scope, receive, sending)
        finally:
            route = route_of(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            metrics.count_request(route, method, status, perf_counter() - began_s)


def count_answer(request: Request, *, complete: bool) -> None:
    """Count an answer that tells whether it is complete."""
    metrics.count_answer(route_of(request.scope), complete=complete)


def count_altered(request: Request, spans: int) -> None:
    """Count spans that the body of an answer cannot hold as they are; 0 begins the series."""
    metrics.count_altered(route_of(request.scope), spans)


def route_of(scope: Scope) -> str:
    """The template of the route that was found: never what a client wrote."""
    return getattr(scope.get("route"), "path_format", None) or NO_ROUTE
