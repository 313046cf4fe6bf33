"""A router that is passed over at once for paths that none of its routes begins with.

FastAPI tries route after route, and what is inside an included router once more for each level that
it is inside of. With a hundred routes that took longer than finding a trace.
"""

from typing import Any

from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from starlette.routing import Match
from starlette.types import Scope

from indexer.clients.shared.direct_routes import DirectPath
from indexer.deferred_dataclass import dataclass


class PrefixRouter(APIRouter):
    """Gives the same answers as its parent class. It has all its routes before the first request.

    It is included without a prefix: what its routes begin with is asked of itself.
    """

    direct: tuple[DirectPath, ...] = ()
    """Usual requests of its routes, which an application answers before it looks for a route."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paths: Paths | None = None
        self._version: int | None = None

    def _get_routes_version(self, seen: set[int] | None = None) -> int:
        """FastAPI's own looks at all routes of all routers inside, for each level of a request."""
        if self._version is None:
            version = super()._get_routes_version(seen)
            self._version = None if self._paths is None else version
            return version
        return self._version

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether one of the routes is for the path."""
        if self._paths is None:
            self._paths = Paths.of(self)
        if scope.get("root_path") or self._paths.may_have(scope["path"]):
            return super().matches(scope)
        return Match.NONE, {}


@dataclass(frozen=True, slots=True)
class Paths:
    """Which paths a router may have a route for."""

    whole: frozenset[str]
    """Of routes without a parameter."""
    beginnings: tuple[str, ...]
    """Of others what stands before the first parameter."""

    @classmethod
    def of(cls, router: APIRouter) -> "Paths":
        """Those of all its routes, and of routers that it includes."""
        templates = {one.path or "{any}" for one in iter_route_contexts(router.routes)}
        whole = {one for one in templates if "{" not in one}
        beginnings = {one.partition("{")[0] for one in templates - whole}
        return cls(frozenset(whole), tuple(sorted(beginnings)))

    def may_have(self, path: str) -> bool:
        """False where no route can be for it."""
        return path in self.whole or path.startswith(self.beginnings)
