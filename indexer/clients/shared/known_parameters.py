"""Query parameters that would be answered as another question are refused, with what is meant.

Those that a route does not have, with the nearest one that it has; those that are given more than
once and have one value, fields of a JSON body as well; and what is not UTF-8, in the path as well.
For routes of this program's own; a dialect follows its client.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from itertools import islice
from typing import get_origin
from urllib.parse import unquote, unquote_to_bytes

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request

from indexer.system.given_once import repeated

NAMES_LISTED_MAX = 8
"""Of one request: a URL has room for thousands, and each costs a comparison."""
NAME_CHARS_MAX = 64
"""Of a name that is compared: far longer than any of ours."""
_NOT_TEXT = "not UTF-8; encode the text as UTF-8, and its bytes with %"


async def known_parameters(request: Request) -> None:
    """A dependency of routers. Raises RequestValidationError, which becomes 422."""
    found = [*_path_not_text(request), *await _repeated_fields(request)]
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
    names = [name for name, _ in request.query_params.multi_items() if not known.get(name, True)]
    for name, said in repeated(names).items():
        yield _refused(request, name, "repeated_parameter", said)


async def _repeated_fields(request: Request) -> list[dict[str, object]]:
    """Of the objects of a body, where the route takes one; one that is no JSON is refused later."""
    route = request.scope["route"]
    if not isinstance(route, APIRoute) or route.body_field is None:
        return []
    found: dict[str, dict[str, object]] = {}

    def look_at(pairs: list[tuple[str, object]]) -> dict[str, object]:
        fields = dict(pairs)
        for name, said in repeated(name for name, _ in pairs).items():
            where = ("body", name[:NAME_CHARS_MAX])
            found[name] = {
                "type": "repeated_field",
                "loc": where,
                "msg": said,
                "input": fields[name],
            }
        return fields

    with suppress(ValueError, RecursionError):
        json.loads(await request.body(), object_pairs_hook=look_at)
    return list(found.values())


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
