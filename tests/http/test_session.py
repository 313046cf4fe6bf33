"""A session lets in whoever gave the token, to routes that take one, until it ends."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import Headers

from indexer.http.hosts import NamePolicy
from indexer.http.session import COOKIE, SESSION_S, Sessions

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test
PAGE = "https://app.example"
NAMES = NamePolicy(origins=frozenset({PAGE, "http://localhost:5151"}))
HOST = "localhost:8321"


def sessions(now: float = 1_000, token: str = TOKEN) -> Sessions:
    return Sessions(token=token, names=NAMES, now=lambda: now)


def scope(method: str = "GET", scheme: str = "http", **headers: str) -> dict[str, Any]:
    sent = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    return {"type": "http", "method": method, "scheme": scheme, "headers": raw}


def kept(value: str) -> dict[str, str]:
    return {"cookie": f"other=1; {COOKIE}={value}"}


def test_a_session_holds_until_it_ends() -> None:
    """Whatever else is in the jar, and after a restart, which keeps nothing."""
    value = sessions().begin()
    for now, holds in ((1_000, True), (999 + SESSION_S, True), (1_000 + SESSION_S, False)):
        assert sessions(now).holds(Headers(kept(value))) is holds
    assert TOKEN not in value


@pytest.mark.parametrize("value", ["", ".", "x.y", "9999999999", "9999999999.", "²." + "a" * 64])
def test_what_we_did_not_sign_is_none(value: str) -> None:
    sent = kept(value)["cookie"].encode("utf-8").decode("latin-1")
    assert not sessions().holds(Headers({"cookie": sent}))
    assert not sessions().holds(Headers({}))


def test_a_later_end_or_another_token_is_another_session() -> None:
    until, _, mac = sessions().begin().partition(".")
    assert not sessions().holds(Headers(kept(f"{int(until) + 1}.{mac}")))
    assert not sessions(token="fedcba9876543210").holds(Headers(kept(f"{until}.{mac}")))  # noqa: S106


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        (None, False),
        ("null", False),
        ("https://evil.example", False),
        (f"http://{HOST}", True),
        (PAGE, True),
    ],
)
def test_what_changes_something_names_its_page(origin: str | None, admitted: bool) -> None:
    """Reading does not have to: a browser keeps the answer from pages that are not listed."""
    sent = kept(sessions().begin()) | ({} if origin is None else {"origin": origin})
    assert sessions().admits(scope("POST", **sent)) is admitted
    assert sessions().admits(scope("GET", **sent))


@pytest.mark.parametrize(
    ("asked", "ends"),
    [
        (scope(), "SameSite=Lax"),
        (scope(origin=f"http://{HOST}"), "SameSite=Lax"),
        (scope(origin="http://localhost:5151"), "SameSite=Lax"),
        (scope(scheme="https"), "SameSite=Lax; Secure"),
        (scope(x_forwarded_proto="https"), "SameSite=Lax; Secure"),
        (scope(origin=f"https://{HOST}"), "SameSite=Lax; Secure"),
        (scope(origin=PAGE), "SameSite=None; Secure"),
        (scope(origin="https://evil.example"), "SameSite=Lax"),
    ],
)
def test_a_cookie_is_for_this_site_or_a_listed_one(asked: dict[str, Any], ends: str) -> None:
    """Another port of the same host is the same site."""
    made = sessions().set_cookie(asked, "v")
    assert made == f"{COOKIE}=v; Path=/; Max-Age={SESSION_S}; HttpOnly; {ends}"


def test_an_empty_value_ends_the_cookie() -> None:
    assert f"{COOKIE}=; Path=/; Max-Age=0;" in sessions().set_cookie(scope(), "")
