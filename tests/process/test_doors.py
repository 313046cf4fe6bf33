"""Every door of a running service at once: what strangers do is not written into its log at their
wish, and no door takes another one down with it.
"""

import json
import socket
import sys
import time
from contextlib import ExitStack

import grpc
import pytest

from tests.support.doors import TRACES
from tests.support.processes import Running, Site, wait_until
from tests.support.tcp import Dashboards
from tests.support.up import Ports, prepare, start_up, wait_receiving

pytestmark = [pytest.mark.process]

NOISE = [
    b"no http\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\xff",
    b"",
]
EACH = 5


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.close()


def plain_lines(running: Running) -> list[str]:
    return [line for line in running.err.splitlines() if not _is_json(line)]


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def say(address: tuple[str, int], sent: bytes) -> None:
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        try:
            while connection.recv(65_536):
                pass
        except OSError:
            pass  # reset: the door has ended it, which is what it is for


def export(ports: Ports) -> bytes:
    with grpc.insecure_channel(f"127.0.0.1:{ports.grpc}") as channel:
        return channel.unary_unary(TRACES)(b"", timeout=100)


def post(ports: Ports) -> int:
    with socket.create_connection(("127.0.0.1", ports.http), timeout=60) as connection:
        connection.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
            b"Content-Type: application/x-protobuf\r\nConnection: close\r\n\r\n"
        )
        return int(connection.recv(65_536).split(b" ")[1])


def test_what_strangers_send_to_any_door_leaves_a_line_of_json_and_not_one_each(site):
    ports = prepare(site)
    up = start_up(site)
    wait_receiving(up)
    dashboards = Dashboards(site)
    before = len(up.err.splitlines())
    addresses = [dashboards.address]
    addresses += [("127.0.0.1", port) for port in (ports.grpc, ports.http, ports.internal)]
    for address in addresses:
        for sent in NOISE * EACH:
            say(address, sent)
    assert export(ports) == b""
    assert post(ports) == 200
    assert dashboards.get("/healthz").code == 200
    assert plain_lines(up) == []
    written = up.events[before:]
    assert len(written) <= 2 * len(addresses), written
    assert {one["event"] for one in written} >= {"http.not_http"}
    assert "Traceback" not in up.err


def test_a_door_without_descriptors_says_so_once_and_others_are_let_in_again(site):
    """With 100 descriptors, 150 connections to one door."""
    ports = prepare(site)
    up = site.start_command(
        ["sh", "-c", 'ulimit -n 100; exec "$0" -m indexer ingest', sys.executable]
    )
    wait_until(lambda: "ingestion.started" in up.err, lambda: f"a start: {up.err}")
    with ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(socket.create_connection(("127.0.0.1", ports.http), timeout=100))
        time.sleep(1)  # the door works through what the kernel has accepted for it
        assert post(ports) == 200
    assert export(ports) == b""
    refused = [one for one in up.events if one["event"] == "http.accept_failed"]
    assert len(refused) <= 1
    assert len(up.events) < 10, up.err
    assert plain_lines(up) == []


@pytest.mark.parametrize("arguments", [["ingest"], ["up"]])
def test_a_taken_port_ends_the_start_with_its_owner_in_one_line(site, arguments):
    ports = prepare(site)
    with socket.create_server(("127.0.0.1", ports.grpc)):
        done = site.run(*arguments)
    assert done.code == 2
    assert (
        f"INGESTION_OTLP_GRPC_LISTEN=127.0.0.1:{ports.grpc}: port {ports.grpc} is taken" in done.err
    )
    assert "add_port" not in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("name", ["INGESTION_OTLP_GRPC_LISTEN", "INGESTION_OTLP_HTTP_LISTEN"])
def test_an_open_port_without_a_key_starts_nothing(site, name):
    prepare(site)
    site.set(**{name: "0.0.0.0:0"})
    done = site.run("up" if "GRPC" in name else "ingest")
    assert done.code == 2
    assert f"error: {name}=0.0.0.0:0 is open to other machines" in done.err
