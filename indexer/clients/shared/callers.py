"""Who asks: dashboards over TCP or the operator over the Unix socket. Each socket says it once.

The routes are the same for both. What depends on the caller is who is let in, which threads
answer, and whether actions that change the worker's state are allowed.
"""

from collections.abc import Mapping
from enum import StrEnum

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.errors import OperatorsOnly
from indexer.http.admission import Admission

_STATE = "caller"


class Caller(StrEnum):
    """Whose requests a socket takes."""

    DASHBOARD = "dashboards"
    OPERATOR = "commands"


def serve_to(caller: Caller, app: ASGIApp) -> ASGIApp:
    """The application as the socket of that caller serves it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})[_STATE] = caller
        await app(scope, receive, send)

    return call


def caller_of(scope: Scope) -> Caller:
    """Who asks; a dashboard, which may do least, where no socket says so."""
    caller: Caller = scope.get("state", {}).get(_STATE, Caller.DASHBOARD)
    return caller


async def operators_only(request: Request) -> None:
    """A dependency of actions. Raises OperatorsOnly for everybody else."""
    if caller_of(request.scope) is not Caller.OPERATOR:
        raise OperatorsOnly(f"{request.url.path} changes the state of the worker")


class AdmittedByCaller:
    """An ASGI middleware: each caller is admitted by rules of its own."""

    def __init__(self, app: ASGIApp, admissions: Mapping[Caller, Admission]) -> None:
        self._apps = {caller: rules.around(app) for caller, rules in admissions.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the rules of whoever asks."""
        await self._apps[caller_of(scope)](scope, receive, send)
