"""Usual requests of a few questions, answered without FastAPI's own steps around them.

To match a request with a hundred routes, to validate what stands in its URL, and to enter and leave
what dependencies may have opened takes longer than to answer it. Here a path with one parameter is
matched by one expression, and whoever answers reads the few query strings that it knows. Every
other request finds its usual route, which describes the question and refuses what is invalid.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.clients.shared.problems import refusal_of
from indexer.deferred_dataclass import dataclass

Answer = Callable[[Request, str], Awaitable[Response]]
"""Of a request and its path's parameter, as the usual route answers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectPath:
    """One question's usual requests."""

    path_format: str
    """That of the usual route, by which requests are counted; its parameter, if any, in braces."""
    accepts: Callable[[bytes], bool]
    """Whether a query string is a usual one."""
    answer: Answer
    chars_max: int
    """Of the parameter; 0 of a path without one."""

    @property
    def ends(self) -> tuple[str, str]:
        """What stands before the parameter and behind it."""
        before, _, rest = self.path_format.partition("{")
        return before, rest.partition("}")[2]


_FOUND = "direct"
"""Of a scope: what its route will be."""


class DirectRoutes:
    """Those of an application."""

    def __init__(self, paths: Iterable[DirectPath]) -> None:
        self._paths = list(paths)
        self._expression = re.compile("|".join(map(_expression, self._paths)))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it is a usual request of one of the questions."""
        if scope["type"] == "http" and scope["method"] == "GET" and not _is_special(scope):
            found = self._expression.fullmatch(scope["path"])
            if found is not None and found.lastindex is not None:
                one = self._paths[found.lastindex - 1]
                if one.accepts(scope["query_string"]):
                    value = found[found.lastindex]
                    return Match.FULL, {"route": one, "path_params": {"value": value}}
        return Match.NONE, {}


class AnsweredDirectly:
    """An ASGI middleware: usual requests go another way than all others."""

    def __init__(
        self,
        other: ASGIApp,
        routes: DirectRoutes,
        around: Callable[[ASGIApp], ASGIApp],
        *,
        app: Any = None,
        skips: Callable[[Scope], bool] = lambda _: False,
    ) -> None:
        """``around`` are the rules that usual requests pass before they are answered.

        ``app`` is what they find under that name, and ``skips`` tells those that go by the routes.
        """
        self._other, self._routes, self._skips = other, routes, skips
        self._app = app
        self._answered = around(_answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a usual request; what is raised becomes what the application makes of it."""
        match, found = self._routes.matches(scope)
        if match is Match.FULL and not self._skips(scope):
            await self._answered({**scope, "app": self._app, _FOUND: found}, receive, send)
        else:
            await self._other(scope, receive, send)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Behind the rules: who is refused learns nothing of the routes, nor is counted under one."""
    scope.update(scope.pop(_FOUND))
    request = Request(scope, receive, send)
    one: DirectPath = scope["route"]
    try:
        response = await one.answer(request, scope["path_params"]["value"])
    except Exception as error:
        refusal = refusal_of(request, error)
        if refusal is None:
            raise
        response = refusal
    await response(scope, receive, send)


def _is_special(scope: Scope) -> bool:
    """Whether it comes below a mount, or is traced by FastAPI, which names the route itself."""
    return bool(scope.get("root_path")) or scope.get("fastapi.telemetry") is not None


def _expression(one: DirectPath) -> str:
    """Of its paths, with the parameter as the one group."""
    before, behind = map(re.escape, one.ends)
    least = min(one.chars_max, 1)
    return f"{before}([^/]{{{least},{one.chars_max}}}){behind}"
