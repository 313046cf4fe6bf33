"""Why a request is refused before its route is asked, and how a port says so."""

from collections.abc import Callable, Mapping
from dataclasses import field

from starlette.responses import Response
from starlette.types import Scope

from indexer.deferred_dataclass import dataclass
from indexer.http.problems import problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is refused."""

    status: int
    title: str
    detail: str
    hint: str = ""
    kind: str = "about:blank"
    ends_connection: bool = False
    """The end of this request is not known, so nothing more can be read from the connection."""
    headers: Mapping[str, str] = field(default_factory=dict)


Refuse = Callable[[Scope, Refusal], Response]
"""How a port answers with it."""


def closing_refusal(status: int, title: str, detail: str) -> Refusal:
    """Of a request whose end is not known."""
    return Refusal(status=status, title=title, detail=detail, ends_connection=True)


def as_problem(_: Scope, refusal: Refusal) -> Response:
    """The refusal as problem details."""
    return problem(
        refusal.status,
        refusal.title,
        refusal.detail,
        hint=refusal.hint,
        kind=refusal.kind,
        headers=refusal.headers,
    )
