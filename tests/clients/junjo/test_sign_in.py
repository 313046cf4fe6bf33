"""A front end put directly on the worker: it signs in with the token, and then asks by its cookie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from fastapi import APIRouter

from indexer.clients.application import Application
from indexer.clients.junjo.access import access
from indexer.clients.junjo.routes import junjo
from indexer.errors import HotUnavailable
from indexer.http.admission import Admission
from indexer.http.hosts import NamePolicy
from indexer.http.session import COOKIE, Access
from tests.support.served import Said, Served, StubHost, serving

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test
PAGE = "https://app.example"
JSON = {"Content-Type": "application/json"}
ADMISSION = Admission(
    names=NamePolicy(origins=frozenset({PAGE})), token=TOKEN, access=access, body_bytes_max=1 << 16
)


@dataclass
class Host(StubHost):
    flushed: list[str] = field(default_factory=list)
    refusal: str = ""

    async def flush(self) -> None:
        if self.refusal:
            raise HotUnavailable(self.refusal)
        self.flushed.append("all")


@pytest.fixture(scope="module")
def host() -> Host:
    return Host()


@pytest.fixture(scope="module")
def guarded(host: Host) -> Iterator[Served]:
    routers = (partial(junjo, sign_in=True), lambda _: _private())
    with serving(host=host, admission=ADMISSION, routers=routers) as served:
        yield served


def _private() -> APIRouter:
    router = APIRouter()

    @router.get("/private")
    async def private() -> dict[str, str]:
        return {}

    return router


def sign_in(served: Served, password: str = TOKEN, prefix: str = "", **headers: str) -> Said:
    form = json.dumps({"email": "a@example.com", "password": password}).encode()
    return served.request("POST", f"{prefix}/sign-in", JSON | headers, form)


def cookie(said: Said) -> dict[str, str]:
    return {"Cookie": said.headers["set-cookie"].partition(";")[0]}


@pytest.mark.parametrize("prefix", ["", "/junjo/0.61", "/junjo/0.82"])
def test_a_front_end_asks_signs_in_and_is_signed_in(guarded: Served, prefix: str) -> None:
    """In the order in which it does; then out again."""
    assert guarded.get(f"{prefix}/users/db-has-users").json == {
        "users_exist": True,
        "usersExist": True,
    }
    assert guarded.get(f"{prefix}/auth-test").code == 401
    said = sign_in(guarded, prefix=prefix)
    assert (said.code, said.json["success"]) == (200, True)
    assert guarded.get(f"{prefix}/auth-test", **cookie(said)).code == 200
    out = guarded.request("POST", f"{prefix}/sign-out", cookie(said))
    assert "Max-Age=0" in out.headers["set-cookie"]


def test_another_password_begins_no_session(guarded: Served) -> None:
    for password in ("", TOKEN[:-1], "ü"):
        said = sign_in(guarded, password)
        assert (said.code, "set-cookie" in said.headers) == (401, False)
        assert TOKEN not in said.body.decode()


def test_a_session_is_taken_by_the_front_ends_routes_alone(guarded: Served) -> None:
    """Any other asks for the token, as does a cookie that is not ours."""
    sent = cookie(sign_in(guarded))
    assert guarded.get("/private", **sent).code == 401
    assert guarded.get("/openapi.json", **sent).code == 401
    assert guarded.get("/private", Authorization=f"Bearer {TOKEN}").code == 200
    assert guarded.get("/auth-test", Cookie=f"{COOKIE}=9999999999.00").code == 401


def test_a_page_that_is_not_listed_changes_nothing(guarded: Served, host: Host) -> None:
    """It can make a browser send the cookie, and says so in Origin; a listed one may flush."""
    sent = cookie(sign_in(guarded))
    path = "/api/admin/flush-wal"
    for origin in ({}, {"Origin": "https://evil.example"}):
        assert guarded.request("POST", path, sent | origin).code == 403
    assert host.flushed == []
    said = guarded.request("POST", path, sent | {"Origin": PAGE})
    assert (said.json["success"], host.flushed) == (True, ["all"])
    assert said.headers["access-control-allow-origin"] == PAGE
    assert said.headers["access-control-allow-credentials"] == "true"
    assert sign_in(guarded, Origin="https://evil.example").code == 403
    assert "SameSite=None; Secure" in sign_in(guarded, Origin=PAGE).headers["set-cookie"]


def test_a_flush_that_cannot_be_is_told_in_words(guarded: Served, host: Host) -> None:
    sent = {"Authorization": f"Bearer {TOKEN}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "refusal", "nobody is there")
        said = guarded.request("POST", "/api/admin/flush-wal", sent)
    assert (said.code, said.json) == (200, {"success": False, "message": "nobody is there"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/auth-test"), ("GET", "/users/db-has-users"), ("POST", "/sign-in")),
        *(("POST", "/sign-out"), ("POST", "/api/admin/flush-wal")),
        ("GET", "/junjo/0.80/auth-test"),
    ],
)
def test_where_it_is_off_each_says_what_turns_it_on(method: str, path: str) -> None:
    with serving(host=Host(), routers=(junjo,)) as served:
        said = served.request(method, path)
        assert said.code == 404
        assert "INDEXER_JUNJO_SIGN_IN" in said.json["hint"]


def test_without_a_token_whoever_is_let_in_is_signed_in(host: Host) -> None:
    with serving(host=host, routers=(partial(junjo, sign_in=True),)) as served:
        assert served.get("/auth-test").code == 200
        assert sign_in(served, "anything").code == 200


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/junjo/0.80/otel/x", Access.SESSION),
        ("/api/v1/trace-evidence/x", Access.SESSION),
        ("/junjo/0.80/sign-in", Access.ANYBODY),
        ("/junjo/sign-in", Access.TOKEN),
        ("/sign-in/x", Access.TOKEN),
        ("/api/v1/traces/x", Access.TOKEN),
        ("/status", Access.TOKEN),
    ],
)
def test_a_path_that_is_not_of_a_front_end_asks_for_the_token(path: str, expected: Access) -> None:
    assert access(path) is expected


def test_an_application_has_the_sessions_of_its_dashboards() -> None:
    app: Any = Application(None, (), admission=ADMISSION)  # type: ignore[arg-type]
    assert app.state.sessions.token == TOKEN
