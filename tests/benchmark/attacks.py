"""What strangers do to every door at once: bounded in number, in bytes and in time, on loopback.

    python -m tests.benchmark.attacks OTLP_GRPC OTLP_HTTP INTERNAL DASHBOARDS SECONDS

Each attack is a loop that ends with the event it is given. What it is told does not matter to it;
what matters is what a well-behaved sender and a dashboard see meanwhile.
"""

import contextlib
import gzip
import http.client
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc

from tests.benchmark.sender import Export
from tests.otlp.hostile_bodies import JSON, PROTOBUF

PROTOBUF_TYPE, JSON_TYPE = "application/x-protobuf", "application/json"
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
READ_HOT = "/ingestion.InternalIngestionService/ReadHot"
CONFIRM = "/ingestion.InternalIngestionService/ConfirmFiles"
PAUSE_S = 0.2
IDLE = 400
"""Connections that say nothing, of each kind: more than a door has places for."""
EMPTY = 1_500_000
"""Empty messages of one body: below the limit of a request, above those of a span."""
SOUND = {"valid spans"}
"""Not an attack but a load: its spans are kept, as many as they are."""
LARGE_BYTES = 60 << 20
HALF_HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HEAD = (
    b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/x-protobuf\r\nContent-Length: 100000\r\n\r\n"
)
NOISE = [
    b"no http\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 60_000,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
]


@dataclass(frozen=True, slots=True)
class Doors:
    """Ports of one running service."""

    otlp_grpc: int
    otlp_http: int
    internal: int
    dashboards: int

    def all(self) -> tuple[int, ...]:
        """Every port."""
        return (self.otlp_grpc, self.otlp_http, self.internal, self.dashboards)


Attack = Callable[[Doors, threading.Event], int]
"""Attacks until the event is set; how often it did."""


def silent(said: bytes) -> Attack:
    """Connections that begin to say something and then nothing, to every door."""

    def attack(doors: Doors, over: threading.Event) -> int:
        count = 0
        while not over.is_set():
            with contextlib.ExitStack() as stack:
                for number in range(IDLE):
                    port = doors.all()[number % 4]
                    with contextlib.suppress(OSError):
                        one = stack.enter_context(
                            socket.create_connection(("127.0.0.1", port), timeout=5)
                        )
                        one.sendall(said)
                        count += 1
                over.wait(5)
        return count

    return attack


def noise(doors: Doors, over: threading.Event) -> int:
    """What is not HTTP, or not as it should be, to every door."""
    count = 0
    while not over.is_set():
        for port in doors.all():
            for sent in NOISE:
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection(("127.0.0.1", port), timeout=2) as one,
                ):
                    one.sendall(sent)
                    one.settimeout(0.05)
                    one.recv(100)
                count += 1
        over.wait(PAUSE_S)
    return count


def many_messages(doors: Doors, over: threading.Event) -> int:
    """Every shape of a small body that is millions of messages, one after the other."""
    made = [
        (gzip.compress(make(EMPTY)), PROTOBUF_TYPE)
        for name, make in PROTOBUF.items()
        if name not in SOUND
    ]
    made += [(gzip.compress(make(EMPTY).encode()), JSON_TYPE) for make in JSON.values()]
    count = 0
    while not over.is_set():
        for packed, kind in made:
            with contextlib.suppress(OSError, http.client.HTTPException):
                post(doors.otlp_http, packed, kind)
            if kind == PROTOBUF_TYPE:
                with contextlib.suppress(grpc.RpcError):
                    call(doors.otlp_grpc, TRACES, gzip.decompress(packed))
            count += 1
            if over.wait(PAUSE_S):
                break
    return count


def large(doors: Doors, over: threading.Event) -> int:
    """Sixty mebibytes in sixty kilobytes."""
    packed = gzip.compress(bytes(LARGE_BYTES), 1)
    count = 0
    while not over.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException):
            post(doors.otlp_http, packed, PROTOBUF_TYPE)
        count += 1
        over.wait(PAUSE_S)
    return count


def stalled_calls(doors: Doors, over: threading.Event) -> int:
    """Calls whose message never comes."""
    count = 0
    while not over.is_set():
        for port, method in ((doors.otlp_grpc, TRACES), (doors.internal, READ_HOT)):
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:

                def never() -> Iterator[bytes]:
                    over.wait(3)
                    yield b""

                with contextlib.suppress(grpc.RpcError):
                    stream: grpc.StreamUnaryMultiCallable[bytes, bytes]
                    stream = channel.stream_unary(method)
                    stream(never(), timeout=2)
            count += 1
    return count


def internal_calls(doors: Doors, over: threading.Event) -> int:
    """Long lists of files that nobody has."""
    body = b"\x0a\x02/x" * 200_000
    count = 0
    while not over.is_set():
        with contextlib.suppress(grpc.RpcError):
            call(doors.internal, CONFIRM, body)
        count += 1
        over.wait(PAUSE_S)
    return count


def post(port: int, body: bytes, kind: str) -> int:
    """The status of one packed export."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
        connection.request("POST", "/v1/traces", body, headers)
        return connection.getresponse().status


def call(port: int, method: str, body: bytes) -> Any:
    """One call on a connection of its own."""
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        asked: Export = channel.unary_unary(method)
        return asked(body, timeout=30)


ALL: dict[str, Attack] = {
    "silent connections": silent(b""),
    "half heads": silent(HALF_HEAD),
    "heads without their body": silent(HEAD),
    "noise": noise,
    "many messages": many_messages,
    "large bodies": large,
    "more large bodies": large,
    "stalled calls": stalled_calls,
    "lists of files": internal_calls,
}


def run(doors: Doors, seconds: float) -> dict[str, int]:
    """Every attack on a thread of its own for so long; how often each was done."""
    over = threading.Event()
    done: dict[str, int] = {}

    def attacked(name: str, attack: Attack) -> None:
        done[name] = attack(doors, over)

    threads = [threading.Thread(target=attacked, args=one) for one in ALL.items()]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    over.set()
    for thread in threads:
        thread.join(60)
    return done


if __name__ == "__main__":
    os.nice(10)  # strangers bring processors of their own; these two have to do for everybody
    *ports, seconds = sys.argv[1:]
    print(json.dumps(run(Doors(*map(int, ports)), float(seconds))))
