"""Where a port may listen: for this machine alone, or for others on purpose."""

import asyncio
import socket
from contextlib import closing

import pytest

from indexer.errors import InvalidSettings
from indexer.system.addresses import CONSENT, Address, Endpoint, bind, bound_address

TOKEN = "0123456789"  # noqa: S105 - of a test
ANYWHERE = "0.0.0.0"  # noqa: S104 - refused


def endpoint(listen, *, token="", consent=""):
    return Endpoint(
        setting="INDEXER_HTTP_LISTEN",
        listen=listen,
        token=token,
        token_setting="INDEXER_HTTP_TOKEN",  # noqa: S106 - the name of a setting
        consent=consent,
        consent_setting="INDEXER_HTTP_ALLOW_OPEN",
    )


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "localhost:0", "127.8.9.10:0"])
def test_this_machine_alone_needs_no_token(listen):
    with closing(bind(endpoint(listen))) as listener:
        address = bound_address(listener)
        assert address.is_loopback
        assert str(address).endswith(f":{address.port}")
        socket.create_connection((address.host, address.port)).close()


@pytest.mark.parametrize("listen", ["0.0.0.0:0", ":0", "[::]:0"])
def test_other_machines_are_let_in_by_a_token_or_on_purpose_alone(listen):
    for wrong in ("", "true", "1", "yes", CONSENT.upper()):
        with pytest.raises(InvalidSettings, match=r"INDEXER_HTTP_LISTEN.*INDEXER_HTTP_TOKEN"):
            bind(endpoint(listen, consent=wrong))
    bind(endpoint(listen, token=TOKEN)).close()
    bind(endpoint(listen, consent=CONSENT)).close()


def test_a_name_is_judged_by_the_address_that_is_bound(monkeypatch):
    """A name that somebody made point elsewhere is not loopback for being called localhost."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, *rest, **more: real(ANYWHERE, *rest, **more)
    )
    with pytest.raises(InvalidSettings, match="open to other machines"):
        bind(endpoint("localhost:0"))


@pytest.mark.parametrize(
    "listen",
    [
        "8321",
        "localhost",
        "127.0.0.1:http",
        "::",
        ":::1",
        "[::1]",
        "[127.0.0.1]:1",
        "",
        "127.0.0.1:-1",
        "127.0.0.1:8 1",
        "a b:1",
        "x" * 300 + ":1",
        "127.0.0.1",
        "127.0.0.1:http?",
        "127.0.0.1:70000",
        "256.1.1.1:0",
        "::1",
    ],
)
def test_what_is_no_address_names_the_variable(listen):
    with pytest.raises(InvalidSettings, match="INDEXER_HTTP_LISTEN"):
        bind(endpoint(listen, token=TOKEN))


def test_a_port_that_is_taken_names_the_variable():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSettings, match=f"INDEXER_HTTP_LISTEN=127.0.0.1:{port}"):
            bind(endpoint(f"127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("address", "alone"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False)],
)
def test_an_address_within_an_address_is_looked_at(address, alone):
    assert Address(socket.AF_INET6, address, 1).is_loopback is alone


async def test_an_answer_of_two_packets_does_not_wait_for_the_first_to_be_acknowledged():
    """Asyncio turns off Nagle's algorithm, but only where the socket names its protocol."""
    delays = []

    async def accepted(_, writer):
        one = writer.get_extra_info("socket")
        delays.append(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0)
        writer.close()

    listener = bind(endpoint("127.0.0.1:0"))
    address = listener.getsockname()
    async with await asyncio.start_server(accepted, sock=listener):
        reader, writer = await asyncio.open_connection(*address)
        assert await reader.read() == b""
        writer.close()
    assert delays == [False]
