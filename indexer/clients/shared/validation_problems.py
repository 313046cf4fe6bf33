"""What FastAPI refuses as problem details: each parameter is named, and its bounds.

A module of its own, because whoever answers without a route has no need of FastAPI.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.shared.problems import HANDLERS
from indexer.clients.shared.search_values import DURATION, DURATION_WORDS
from indexer.http.problems import excerpt, problem

_BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "expected", "multiple_of")
_WORDS = {DURATION: DURATION_WORDS}
"""For people, of patterns."""


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - its handler
    found = [_of_model(one) for one in error.errors()]
    kind = request.headers.get("content-type", "")
    is_unread = any(one["in"] == "body" for one in found) and "json" not in kind.lower()
    return _unprocessable(found, "Send it as Content-Type: application/json." if is_unread else "")


def _of_model(found: Mapping[str, Any]) -> dict[str, Any]:
    """One of pydantic's errors: which parameter, where it was, what was expected."""
    where, *names = [str(one) for one in found["loc"]] or [""]
    bounds = {name: one for name, one in found.get("ctx", {}).items() if name in _BOUNDS}
    about = {
        "parameter": excerpt(".".join(names)),
        "in": where,
        "value": excerpt(found.get("input")),
    }
    expected = _WORDS.get(bounds.get("pattern", ""))
    message = found["msg"] if expected is None else f"expected {expected}"
    return {**about, "message": message, **bounds}


def _unprocessable(found: Sequence[Mapping[str, Any]], hint: str) -> Response:
    detail = "; ".join(_sentence(one) for one in found)
    return problem(422, "Unprocessable Content", detail, hint=hint, more={"errors": found})


def _sentence(found: Mapping[str, Any]) -> str:
    """A body is not repeated as a whole where its whole is at fault."""
    if not found["parameter"]:
        return f"the {found['in'] or 'request'}: {found['message']}"
    return f"{found['parameter']} is {found['value']!r}: {found['message']}"


ROUTE_HANDLERS: Mapping[Any, Callable[[Request, Exception], Response]] = {
    **HANDLERS,
    RequestValidationError: _invalid,
}
"""For an application's ``exception_handlers``."""
