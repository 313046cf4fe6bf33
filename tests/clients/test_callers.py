"""Both sockets ask one application: what differs is who is let in, and who may change its state."""

import asyncio
from pathlib import Path

import pytest

from indexer.http.hosts import NamePolicy
from tests.support.processes import wait_until
from tests.support.served import Served, StubHost, serving

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test
STATUS = {
    "healthy": True,
    "problems": [],
    "swept_at": 1,
    "files_ready": 0,
    "files_waiting": 0,
    "storage_root": "/",
}
ACTIONS = pytest.mark.parametrize("action", ["/snapshot", "/sweep", "/ingestion-ending"])


class Host(StubHost):
    """A worker that counts what it is told to do."""

    def __init__(self):
        super().__init__(**STATUS)
        self.done = []

    async def snapshot(self):
        self.done.append("/snapshot")
        return Path("/catalog.snapshot-1")

    async def sweep(self):
        self.done.append("/sweep")

    def expect_ingestion_end(self):
        self.done.append("/ingestion-ending")


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def guarded(host, tmp_path):
    """With a token over TCP."""
    with serving(host=host, token=TOKEN, socket_folder=tmp_path) as served:
        yield served


def test_the_socket_asks_for_no_token_and_answers_the_same(guarded: Served):
    assert guarded.get("/status").code == 401
    over_tcp = guarded.get("/status", Authorization=f"Bearer {TOKEN}")
    over_socket = guarded.operator.get("/status")
    assert over_socket.code == 200
    assert over_socket.body == over_tcp.body
    assert guarded.operator.get("/openapi.json").body == (
        guarded.get("/openapi.json", Authorization=f"Bearer {TOKEN}").body
    )


@ACTIONS
def test_an_action_is_done_over_the_socket(action, host, guarded: Served):
    said = guarded.operator.request("POST", action)
    assert (said.code, host.done) == (200, [action])
    assert said.json == ({"path": "/catalog.snapshot-1"} if action == "/snapshot" else {})


@ACTIONS
def test_an_action_is_refused_over_tcp_with_the_way_to_do_it(action, host, guarded: Served):
    """Even of whoever has the token."""
    said = guarded.request("POST", action, {"Authorization": f"Bearer {TOKEN}"})
    assert (said.code, said.json["title"]) == (403, "OperatorsOnly")
    assert "Unix socket" in said.json["hint"]
    assert host.done == []


@ACTIONS
def test_an_action_is_no_question(action, host, guarded: Served):
    assert guarded.operator.get(action).code == 405
    assert host.done == []


def test_rules_for_pages_and_names_are_those_of_tcp_alone(host, tmp_path):
    names = NamePolicy(local_only=True)
    assert not names.accepts_host("evil.example")
    with serving(host=host, socket_folder=tmp_path) as served:
        assert served.get("/status", Host="evil.example").code == 421
        with served.operator.connected() as connection:
            connection.request("GET", "/status", headers={"Host": "evil.example"})
            assert connection.getresponse().status == 200


def test_actions_that_wait_have_a_limit(host, tmp_path):
    """Each holds a request open; the index thread does one after the other."""
    released, begun = asyncio.Event(), []

    async def sweep():
        begun.append(1)
        await released.wait()

    host.sweep = sweep
    with serving(host=host, socket_folder=tmp_path) as served:
        waiting = [served.operator.connected() for _ in range(8)]
        connections = [one.__enter__() for one in waiting]
        for one in connections:
            one.request("POST", "/sweep")
        wait_until(lambda: len(begun) == 8, "eight sweeps that wait")
        refused = served.operator.request("POST", "/sweep")
        assert (refused.code, refused.json["title"]) == (503, "QueriesBusy")
        for one in waiting:
            one.__exit__(None, None, None)
        wait_until(lambda: served.operator.request("POST", "/snapshot").code == 200, "room again")
