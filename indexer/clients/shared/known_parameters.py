"""Query parameters that a route does not have are refused, with the nearest one that it has.

For routes of this program's own; a dialect follows its client.
"""

from difflib import get_close_matches

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request

NAMES_LISTED_MAX = 8
"""Of one request: a URL has room for thousands, and each costs a comparison."""
NAME_CHARS_MAX = 64
"""Of a name that is compared: far longer than any of ours."""


async def known_parameters(request: Request) -> None:
    """A dependency of routers. Raises RequestValidationError, which becomes 422."""
    if not request.query_params:
        return
    route = request.scope["route"]
    known = parameters_of(route.dependant) if isinstance(route, APIRoute) else set()
    unknown = list(dict.fromkeys(name for name in request.query_params if name not in known))
    if unknown:
        listed = unknown[:NAMES_LISTED_MAX]
        raise RequestValidationError([_unknown(request, name, known) for name in listed])


def parameters_of(dependant: Dependant) -> set[str]:
    """The names of all query parameters of a route and of what it depends on."""
    names: set[str] = set()
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names |= model.model_fields.keys()
        else:
            names.add(field.alias)
    return names.union(*map(parameters_of, dependant.dependencies))


def _unknown(request: Request, name: str, known: set[str]) -> dict[str, object]:
    near = get_close_matches(name[:NAME_CHARS_MAX], known, 1)
    expected = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
    message = "unknown parameter; " + (expected if known else "this route has none")
    return {
        "type": "unknown_parameter",
        "loc": ("query", name),
        "msg": message,
        "input": request.query_params[name],
    }
