"""Who is let in: by the token, or by a name that is this machine's."""

import pytest

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
