"""Who is let in: by the token, or by a name that is this machine's."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.http.admission import Admission
from indexer.http.hosts import NamePolicy
from tests.support.served import StubHost, serving

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test
HOST = StubHost(
    healthy=True, problems=[], swept_at=None, files_ready=0, files_waiting=0, storage_root="/"
)


@pytest.fixture(scope="module")
def guarded():
    with serving(host=HOST, token=TOKEN) as served:
        yield served


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_token_lets_in(guarded, scheme):
    sent = f"{scheme} {TOKEN}".encode().decode("latin-1")
    assert guarded.get("/status", Authorization=sent).code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}0"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Cookie": f"token={TOKEN}"},
    ],
)
@pytest.mark.parametrize("path", ["/status", "/metrics", "/openapi.json", "/nowhere"])
def test_nothing_else_does(guarded, path, headers):
    """Not even to learn which paths there are."""
    sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    said = guarded.get(path, **sent)
    assert said.code == 401
    assert said.headers["www-authenticate"] == "Bearer"
    assert said.json["title"] == "Unauthorized"
    assert TOKEN not in said.body.decode()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_token(guarded, path):
    assert guarded.get(path).code in {200, 503}


@pytest.mark.parametrize("path", ["//healthz", "/healthz/", "/healthz/../status", "/%68ealthz/x"])
def test_what_only_looks_like_a_probe_needs_it(guarded, path):
    assert guarded.get(path).code == 401


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1:1", "[::1]:8321", "indexer", "a.local"])
def test_without_a_token_a_local_name_is_let_in(name):
    with serving(host=HOST) as served:
        assert served.get("/status", Host=name).code == 200


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example:8321", "localhost.io"])
def test_without_a_token_a_name_of_the_internet_is_not(name):
    """A page of that name, pointed to this machine, could read every span in a browser."""
    with serving(host=HOST) as served:
        assert served.get("/status", Host=name).code == 421
        assert served.get("/healthz", Host=name).code == 200


HEADERS = (
    (b"host", b"localhost"),
    (b"host", b"evil.example"),
    (b"origin", b"https://evil.example"),
    (b"content-length", b"0"),
    (b"content-length", b"9"),
    (b"content-length", b"x"),
    (b"transfer-encoding", b"chunked"),
    (b"accept", b"*/*"),
    (b"cookie", b"c" * 1_100),
)
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "OPTIONS"]),
        "http_version": st.sampled_from(["1.0", "1.1", "2"]),
        "path": st.sampled_from(["/status", "/healthz", "/batch", "/" + "p" * 1_500]),
        "headers": st.lists(st.sampled_from(HEADERS), max_size=3),
    }
)
RULES = Admission(
    names=NamePolicy(local_only=True),
    open_paths=frozenset({"/healthz"}),
    body_bytes_max=5,
    body_bytes_max_by_ending={"/batch": 10},
    head_bytes_max=1_500,
)


def refused(app: Any, request: dict[str, Any]) -> int | None:
    """The status, None of a request that is let in."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    path = request["path"].encode()
    scope = {"type": "http", "raw_path": path, "query_string": b"", **request}
    asyncio.run(app(scope, None, send))
    return sent[0]["status"] if sent else None


async def let_in(*_: Any) -> None:
    """An application that answers nothing."""


@given(st.lists(REQUESTS, max_size=12))
def test_what_came_before_lets_nobody_in(requests: list[dict[str, Any]]) -> None:
    """Nor keeps anybody out: heads that were admitted are known again."""
    kept = RULES.around(let_in)
    for request in [*requests, *requests]:
        assert refused(kept, request) == refused(RULES.around(let_in), request)
