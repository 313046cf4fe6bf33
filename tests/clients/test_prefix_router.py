"""A router that is passed over for paths of others matches what FastAPI's own does."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Match

from indexer.clients.shared.prefix_router import Paths, PrefixRouter
from indexer.clients.shared.text_path import register

PATHS = ("/", "/a", "/a/", "/a/1", "/a/1/b", "/a/1/b/2", "/ab", "/c/x/y", "/c", "/d", "", "/é")


async def _answer() -> None:
    """Nothing."""


def _routes(kind: type[APIRouter]) -> FastAPI:
    register()
    outer, inner, other = kind(), kind(prefix="/a/{one}"), kind(prefix="/c")
    inner.get("/b")(_answer)
    inner.post("/b/{two}")(_answer)
    other.get("/{rest:text}")(_answer)
    outer.get("/")(_answer)
    outer.include_router(inner)
    outer.include_router(other)
    app = FastAPI()
    app.include_router(outer)
    app.include_router(_last(kind))
    return app


def _last(kind: type[APIRouter]) -> APIRouter:
    made = kind()
    made.get("/d")(_answer)
    return made


def _matches(app: FastAPI, path: str, method: str, root_path: str = "") -> list[Match]:
    scope = {"type": "http", "path": path, "method": method, "root_path": root_path}
    return [route.matches(dict(scope))[0] for route in app.router.routes]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_path_is_matched_as_without_it(method: str) -> None:
    plain, quick = _routes(APIRouter), _routes(PrefixRouter)
    for path in PATHS:
        assert _matches(quick, path, method) == _matches(plain, path, method), path


def test_a_path_below_a_mount_is_matched_as_without_it() -> None:
    plain, quick = _routes(APIRouter), _routes(PrefixRouter)
    below = [_matches(app, "/mount/d", "GET", root_path="/mount") for app in (plain, quick)]
    assert below[0] == below[1]
    assert Match.FULL in below[1]


def test_a_router_says_which_paths_it_may_have() -> None:
    router = PrefixRouter(prefix="/a")
    router.get("/b")(_answer)
    router.get("/c/{one}/d")(_answer)
    paths = Paths.of(router)
    found = [one for one in ("/a/b", "/a/b/", "/a", "/a/c/x", "/b") if paths.may_have(one)]
    assert found == ["/a/b", "/a/c/x"]
