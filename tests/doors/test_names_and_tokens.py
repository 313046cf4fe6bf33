"""Who is let in at each door: by token, by the name that is asked for, by the page that asks."""

import grpc
import pytest

from indexer.http.hosts import NamePolicy
from tests.support.doors import GRPC, TCP_HTTP, TOKEN_HEADERS, grpc_door, http_door

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test
LOCAL = ["localhost", "127.0.0.1:4318", "[::1]:8321", "indexer", "otel.ns.svc.cluster.local"]
FOREIGN = ["evil.example", "127.0.0.1.evil.example:8321", "localhost.io", "otlp.example.com"]
APP = "https://app.example.com"
STATUS = {"dashboards": "/status", "otlp_http": "/v1/traces", "probes": "/metrics"}


@pytest.fixture(autouse=True)
def guarded_paths(monkeypatch):
    """The dashboards' ordinary request is a probe, which is always let in: here it is not."""
    from tests.support import doors  # noqa: PLC0415 - patched for these tests alone

    ordinary = doors.HttpDoor.ordinary

    def guarded(door):
        method, target = ordinary(door)
        return (method, "/status" if door.name == "dashboards" else target)

    monkeypatch.setattr(doors.HttpDoor, "ordinary", guarded)


@pytest.mark.parametrize("name", TCP_HTTP)
def test_without_a_token_a_public_name_is_misdirected(name, tmp_path):
    """A page of that name, made to point to this machine (DNS rebinding), is not answered."""
    with http_door(name, tmp_path) as door:
        assert [door.ask(Host=host).status for host in LOCAL] == [200] * len(LOCAL)
        assert [door.ask(Host=host).status for host in FOREIGN] == [421] * len(FOREIGN)
        assert door.sink.kept == []


@pytest.mark.parametrize("name", TCP_HTTP)
def test_a_name_that_is_listed_is_let_in_and_others_are_not(name, tmp_path):
    names = NamePolicy(hosts=frozenset({"otlp.example.com"}))
    with http_door(name, tmp_path, names=names) as door:
        assert door.ask(Host="OTLP.example.com:443").status == 200
        assert door.ask(Host="localhost").status == 200
        assert door.ask(Host="evil.example").status == 421


@pytest.mark.parametrize("name", TCP_HTTP)
def test_with_a_token_any_name_is_let_in(name, tmp_path):
    with http_door(name, tmp_path, token=TOKEN) as door:
        answer = door.ask(Host="otlp.example.com", Authorization=f"Bearer {TOKEN}")
        assert answer.status == 200


@pytest.mark.parametrize("name", TCP_HTTP)
def test_a_page_of_another_origin_is_refused(name, tmp_path):
    with http_door(name, tmp_path) as door:
        assert door.ask(Origin=APP).status == 403
        assert door.ask(Origin="null").status == 403
        assert door.ask(Origin="http://localhost:1", Host="localhost:1").status == 200


@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize("name", TCP_HTTP)
def test_a_listed_origin_may_ask_with_preflight_and_credentials(name, token, tmp_path):
    names = NamePolicy(local_only=not token, origins=frozenset({APP}))
    authorization = {"Authorization": f"Bearer {TOKEN}"} if token else {}
    asks = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "x-own"}
    with http_door(name, tmp_path, names=names, token=token) as door:
        method, target = door.ordinary()
        client = door.client()
        client.request(
            "OPTIONS",
            target,
            headers={k.replace("_", "-"): v for k, v in asks.items()} | {"Origin": APP},
        )
        preflight = client.getresponse()
        assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (200, APP)
        assert preflight.headers["access-control-allow-credentials"] == "true"
        assert method in preflight.headers["access-control-allow-methods"]
        client.close()
        answer = door.ask(Origin=APP, **authorization)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, APP)
        other = door.ask(Origin="https://other.example.com", **authorization)
        assert "access-control-allow-origin" not in other.headers
        assert other.status == (200 if token else 403)


@pytest.mark.parametrize("name", TCP_HTTP)
def test_a_preflight_of_an_origin_that_is_not_listed_is_refused(name, tmp_path):
    for names in (None, NamePolicy(), NamePolicy(origins=frozenset({APP}))):
        with http_door(name, tmp_path, names=names) as door:
            client = door.client()
            headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
            client.request("OPTIONS", door.ordinary()[1], headers=headers)
            answer = client.getresponse()
            assert answer.status == 403
            assert "access-control-allow-origin" not in answer.headers
            client.close()


@pytest.mark.parametrize("given", [None, "", " ", TOKEN[:-1], TOKEN + "0", "é", TOKEN.upper()])
@pytest.mark.parametrize("name", TCP_HTTP)
def test_without_the_token_nobody_is_let_in_over_http(name, given, tmp_path):
    with http_door(name, tmp_path, token=TOKEN) as door:
        headers = {} if given is None else {"Authorization": f"Bearer {given}".encode("latin-1")}
        answer = door.ask(**headers)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert TOKEN.encode() not in answer.content


def test_a_key_may_come_in_either_header(tmp_path):
    with http_door("otlp_http", tmp_path, token=TOKEN) as door:
        assert door.ask(X_Junjo_Api_Key=TOKEN).status == 200
        assert door.ask(Authorization=f"bearer {TOKEN}").status == 200
        assert door.ask(Authorization=f"Basic {TOKEN}").status == 401


@pytest.mark.parametrize("name", GRPC)
def test_without_the_token_nobody_is_let_in_over_grpc(name, tmp_path):
    own = TOKEN_HEADERS[name]
    with grpc_door(name, tmp_path, token=TOKEN) as door:
        for metadata in ([], [(own, TOKEN[:-1])], [(own, "")], [("authorization", TOKEN)]):
            with pytest.raises(grpc.RpcError) as refused:
                door.ask(b"\xff" * 100, metadata=metadata)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            assert TOKEN not in refused.value.details()
        door.ask(metadata=[(own, TOKEN)])
        door.ask(metadata=[("authorization", f"Bearer {TOKEN}")])


def test_the_unix_socket_is_its_owners_alone(tmp_path):
    with http_door("unix", tmp_path) as door:
        assert door.ask(Host="worker").status == 200
        assert (tmp_path / "index.duckdb.sock").stat().st_mode & 0o777 == 0o600
