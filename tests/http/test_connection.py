"""Connections whose clients do not read, and ones that give way to others."""

import socket
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection

from starlette.responses import PlainTextResponse

from indexer.http.limits import ConnectionLimits
from tests.support.processes import wait_until
from tests.support.served import serving

LARGE = "x" * (32 << 20)
"""More than the buffers of both ends take."""
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def large() -> PlainTextResponse:
    return PlainTextResponse(LARGE)


async def small() -> str:
    return "small"


def open_ones(served):
    return served.service._servers[0].server_state.connections


def test_an_answer_that_nobody_reads_ends_with_its_connection():
    limits = ConnectionLimits(answer_s=0.05)
    with (
        serving(("/", large), limits=limits) as served,
        socket.create_connection(served.address) as client,
    ):
        client.sendall(ASK)
        with suppress(ConnectionResetError):  # it may have ended by now
            assert client.recv(1)
        wait_until(lambda: not open_ones(served), "the end of the connection")
    with serving(("/", large)) as served:
        assert len(served.get("/").body) == len(LARGE)


def test_a_connection_may_ask_again_and_again():
    """The limit is of one request, not of the connection."""
    with serving(("/", small)) as served, closing(HTTPConnection(*served.address)) as client:
        for _ in range(3):
            client.request("GET", "/")
            assert client.getresponse().read() == b'"small"'
            assert len(open_ones(served)) == 1


def test_the_longest_idle_gives_way():
    """Whoever was answered first is ended first, and a newcomer is answered."""
    limits = ConnectionLimits(connections=3)
    with serving(("/", small), limits=limits) as served, ExitStack() as stack:
        first, *others = [
            stack.enter_context(closing(HTTPConnection(*served.address))) for _ in range(3)
        ]
        for client in (first, *others):
            client.request("GET", "/")
            assert client.getresponse().read() == b'"small"'
        assert served.get("/").json == "small"
        assert ended(first)
        others[-1].request("GET", "/")
        assert others[-1].getresponse().status == 200


def ended(client):
    """Whether the other side has ended it; waits until it has said anything at all."""
    try:
        return client.sock.recv(1) == b""
    except ConnectionResetError:
        return True
