"""Query parameters that would be answered as another question are refused, with what is meant.

Those that a route does not have, with the nearest one that it has; those that are given more than
once and have one value; and what is not UTF-8, in the path as well. For routes of this program's
own; a dialect follows its client.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import get_origin
from urllib.parse import unquote, unquote_to_bytes

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request

NAMES_LISTED_MAX = 8
"""Of one request: a URL has room for thousands, and each costs a comparison."""
NAME_CHARS_MAX = 64
"""Of a name that is compared: far longer than any of ours."""
_NOT_TEXT = "not UTF-8; encode the text as UTF-8, and its bytes with %"


async def known_parameters(request: Request) -> None:
    """A dependency of routers. Raises RequestValidationError, which becomes 422."""
    found = list(_path_not_text(request))
    if not (request.query_params or found):
        return
    route = request.scope["route"]
    known = parameters_of(route.dependant) if isinstance(route, APIRoute) else {}
    found += [*_unknown(request, known), *_repeated(request, known), *_not_text(request)]
    if found:
        raise RequestValidationError(found[:NAMES_LISTED_MAX])


def parameters_of(dependant: Dependant) -> dict[str, bool]:
    """The names of all query parameters of a route and of what it depends on.

    With whether each may be given more than once.
    """
    names: dict[str, bool] = {}
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names |= {name: _is_list(one.annotation) for name, one in model.model_fields.items()}
        else:
            names[field.alias] = _is_list(model)
    for one in dependant.dependencies:
        names |= parameters_of(one)
    return names


def _is_list(annotation: object) -> bool:
    return get_origin(annotation) is list


def _unknown(request: Request, known: Mapping[str, bool]) -> Iterator[dict[str, object]]:
    names = dict.fromkeys(name for name in request.query_params if name not in known)
    for name in islice(names, NAMES_LISTED_MAX):
        near = get_close_matches(name[:NAME_CHARS_MAX], known, 1)
        expected = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
        said = "unknown parameter; " + (expected if known else "this route has none")
        yield _refused(request, name, "unknown_parameter", said)


def _repeated(request: Request, known: Mapping[str, bool]) -> Iterator[dict[str, object]]:
    """It would be answered for the last one alone."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in counts.items():
        if count > 1 and not known.get(name, True):
            said = f"given {count} times; it has one value"
            yield _refused(request, name, "repeated_parameter", said)


def _not_text(request: Request) -> Iterator[dict[str, object]]:
    """It would be answered for other letters."""
    for pair in request.scope["query_string"].split(b"&"):
        if not _is_text(pair):
            name = unquote(pair.partition(b"=")[0].decode("latin-1"))
            yield _refused(request, name, "not_text", _NOT_TEXT)


def _path_not_text(request: Request) -> Iterator[dict[str, object]]:
    """The same of what stands in the path."""
    path = request.scope.get("raw_path") or b""
    if not _is_text(path):
        yield {"type": "not_text", "loc": ("path",), "msg": _NOT_TEXT, "input": request.url.path}


def _is_text(quoted: bytes) -> bool:
    try:
        unquote_to_bytes(quoted).decode()
    except UnicodeDecodeError:
        return False
    return True


def _refused(request: Request, name: str, kind: str, said: str) -> dict[str, object]:
    value = request.query_params.get(name)
    return {"type": kind, "loc": ("query", name), "msg": said, "input": value}
