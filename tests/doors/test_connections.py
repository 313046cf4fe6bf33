"""How long and how much a client of each door may take, and who gives way when it is full."""

import select
import socket
import threading
from contextlib import ExitStack, closing

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from indexer.http.grpc_server import CallLimits
from indexer.http.limits import ConnectionLimits
from tests.receive.sink import KeepingSink
from tests.support.doors import GRPC, HTTP, TRACES, grpc_door, http_door
from tests.support.processes import wait_until

QUICK = ConnectionLimits(head_s=0.3, idle_s=0.3, discard_s=0.3, body_window_s=0.3)
QUICKLY_IDLE = ConnectionLimits(idle_s=0.3)
HALF_HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HEAD_WITHOUT_BODY = (
    b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/x-protobuf\r\nContent-Length: 100\r\n\r\n"
)


def has_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed it, without waiting."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    try:
        return not connection.recv(65_536)
    except OSError:
        return True


@pytest.mark.parametrize("sent", [b"", b"P", HALF_HEAD, HEAD_WITHOUT_BODY])
@pytest.mark.parametrize("name", HTTP)
def test_a_client_that_does_not_finish_is_ended(name, sent, tmp_path):
    """Nothing, one byte, half a head, a head without its body."""
    with http_door(name, tmp_path, limits=QUICK) as door, door.connect() as slow:
        slow.sendall(sent)
        wait_until(lambda: has_ended(slow), "the end of the slow connection")
        wait_until(door.answers, "an answer to somebody else")


@pytest.mark.parametrize("name", HTTP)
def test_bytes_now_and_then_do_not_make_more_time_for_a_head(name, tmp_path):
    """The time is of the whole head: a byte a moment does not begin it anew."""
    with http_door(name, tmp_path, limits=QUICK) as door, door.connect() as slow:

        def dripped() -> bool:
            try:
                slow.send(b"a")
            except OSError:
                return True
            return has_ended(slow)

        slow.sendall(HALF_HEAD)
        wait_until(dripped, "the end of the slow connection")


@pytest.mark.parametrize("name", HTTP)
def test_an_idle_connection_ends_after_a_time_that_its_answers_say(name, tmp_path):
    with http_door(name, tmp_path) as door:
        assert door.ask().headers["keep-alive"] == "timeout=75"
    with http_door(name, tmp_path, limits=QUICKLY_IDLE) as door, closing(door.client()) as client:
        assert door.ask(client).status == 200
        wait_until(lambda: has_ended(client.sock), "the end of the idle connection")


def test_a_sender_may_be_quiet_for_longer_than_the_delay_of_batch_processors(tmp_path):
    """OTEL_BSP_SCHEDULE_DELAY is 5 s: the second request comes on the same connection."""
    with ExitStack() as stack:
        doors = [stack.enter_context(http_door(name, tmp_path)) for name in HTTP]
        asking = [(door, stack.enter_context(closing(door.client()))) for door in doors]
        assert [door.ask(client).status for door, client in asking] == [200] * len(HTTP)
        ended = select.select([client.sock for _, client in asking], [], [], 5.02)[0]
        assert ended == []
        assert [door.ask(client).status for door, client in asking] == [200] * len(HTTP)


def test_a_body_slower_than_the_least_pace_is_told(tmp_path):
    with http_door("otlp_http", tmp_path, limits=QUICK) as door, door.connect() as slow:
        slow.sendall(HEAD_WITHOUT_BODY + b"half")
        assert slow.recv(65_536).startswith(b"HTTP/1.1 408 ")
        assert door.sink.kept == []


@pytest.mark.parametrize("name", HTTP)
def test_the_longest_idle_gives_way_to_a_newcomer(name, tmp_path):
    """First whoever has never sent a request, then whoever was answered first."""
    limits = ConnectionLimits(connections=4)
    with http_door(name, tmp_path, limits=limits) as door, ExitStack() as stack:
        first, second = (stack.enter_context(closing(door.client())) for _ in range(2))
        assert door.ask(first).status == door.ask(second).status == 200
        silent = [stack.enter_context(door.connect()) for _ in range(2)]
        wait_until(lambda: len(door.connections) == 4, "four connections")
        third = stack.enter_context(closing(door.client()))
        assert door.ask(third).status == 200
        wait_until(lambda: has_ended(silent[0]), "the end of the first silent one")
        assert not has_ended(first.sock)
        assert not has_ended(silent[1])
        for _ in range(2):
            other = stack.enter_context(closing(door.client()))
            assert door.ask(other).status == 200
        wait_until(lambda: has_ended(silent[1]), "the end of the second silent one")
        wait_until(lambda: has_ended(first.sock), "the end of the first that was answered")
        assert door.ask(third).status == 200


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, HEAD_WITHOUT_BODY])
@pytest.mark.parametrize("name", HTTP)
def test_connections_that_do_not_finish_keep_no_other_sender_out(name, sent, tmp_path):
    limits = ConnectionLimits(connections=16)
    with http_door(name, tmp_path, limits=limits) as door, ExitStack() as stack:
        for _ in range(5):
            for _ in range(20):
                stack.enter_context(door.connect()).sendall(sent)
            assert door.ask().status == 200
        assert len(door.connections) <= 16


def test_a_newcomer_is_told_to_come_back_where_every_connection_is_being_answered(tmp_path):
    class HeldSink(KeepingSink):
        def __init__(self) -> None:
            super().__init__()
            self.release = threading.Event()

        def append(self, body, span_count):
            self.release.wait(100)
            return super().append(body, span_count)

    sink = HeldSink()
    span = b"\n\x1e\x12\x1c\x12\x1a\n\x10" + b"t" * 16 + b"\x12\x08" + b"s" * 6
    span = bytes.fromhex("0a20121e121c0a10" + "01" * 16 + "1208" + "02" * 8)
    limits = ConnectionLimits(connections=1)
    with http_door("otlp_http", tmp_path, limits=limits, sink=sink) as door:
        head = HEAD_WITHOUT_BODY.replace(b"100", b"%d" % len(span))
        with door.connect() as answered:
            answered.sendall(head + span)
            wait_until(
                lambda: any(not one.is_idle for one in door.connections), "a request in hand"
            )
            said = door.say(b"")
            assert said.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1" in said
            sink.release.set()
            assert answered.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("name", ["dashboards", "otlp_http"])
def test_no_answer_waits_for_an_acknowledgement(name, tmp_path):
    """Nagle's algorithm is off on accepted connections: an answer of two packets waits 40 ms."""
    with http_door(name, tmp_path) as door, closing(door.client()) as client:
        assert door.ask(client).status == 200
        (one,) = door.connections
        accepted = one.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("name", GRPC)
def test_a_connection_without_a_handshake_is_ended(name, tmp_path):
    limits = CallLimits(threads=1, message_bytes=1 << 20, handshake_s=0.3)
    with grpc_door(name, tmp_path, limits=limits) as door:
        with door.connect() as silent, door.connect() as half:
            half.sendall(b"PRI * HTTP/2.0\r\n")
            wait_until(lambda: _told_and_ended(silent), "the end of the silent connection")
            wait_until(lambda: _told_and_ended(half), "the end of the half handshake")
        wait_until(door.answers, "an answer")


def _told_and_ended(connection: socket.socket) -> bool:
    """GRPC sends its settings first; what counts is the end behind them."""
    while select.select([connection], [], [], 0)[0]:
        try:
            if not connection.recv(65_536):
                return True
        except OSError:
            return True
    return False


@pytest.mark.parametrize("name", GRPC)
def test_a_call_whose_message_never_comes_gives_its_thread_back(name, tmp_path):
    limits = CallLimits(threads=1, message_bytes=1 << 20, receive_s=0.3)
    method = TRACES if name == "otlp_grpc" else "/ingestion.InternalIngestionService/FlushWAL"
    with grpc_door(name, tmp_path, limits=limits) as door, door.channel() as channel:
        never = threading.Event()

        def messages():
            never.wait(100)
            yield b""

        stalled = channel.stream_unary(method).future(messages(), timeout=100)
        wait_until(stalled.done, "the end of the stalled call")
        assert stalled.code() == grpc.StatusCode.CANCELLED
        wait_until(door.answers, "an answer to somebody else")
        never.set()


@pytest.mark.parametrize("name", GRPC)
def test_calls_beyond_the_room_are_told_to_come_back(name, tmp_path):
    """RESOURCE_EXHAUSTED with RetryInfo, without which OTLP's senders drop what they have."""
    limits = CallLimits(threads=1, message_bytes=1 << 20, waiting=0)
    method = TRACES if name == "otlp_grpc" else "/ingestion.InternalIngestionService/FlushWAL"
    with grpc_door(name, tmp_path, limits=limits) as door, door.channel() as channel:
        release = threading.Event()

        def messages():
            release.wait(100)
            yield b"\xff"

        held = channel.stream_unary(method).future(messages(), timeout=100)
        threads = door.server._state.thread_pool
        wait_until(lambda: threads.in_hand == 1, "the call that is held")

        def refusal() -> grpc.RpcError | None:
            try:
                door.ask()
            except grpc.RpcError as error:
                return error
            return None

        refused = wait_until(refusal, "a refusal beside the call that is held")
        assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        details = dict(refused.trailing_metadata())["grpc-status-details-bin"]
        retry = RetryInfo()
        assert Status.FromString(details).details[0].Unpack(retry)
        assert retry.retry_delay.seconds == 1
        release.set()
        wait_until(held.done, "the end of the held call")
        wait_until(door.answers, "room again")


@pytest.mark.parametrize("name", GRPC)
def test_idle_connections_are_ended_and_calls_go_on(name, tmp_path):
    limits = CallLimits(threads=1, message_bytes=1 << 20, idle_s=0.3)
    with grpc_door(name, tmp_path, limits=limits) as door, door.channel() as channel:
        states: list[grpc.ChannelConnectivity] = []
        channel.subscribe(states.append, try_to_connect=True)
        wait_until(lambda: grpc.ChannelConnectivity.READY in states, "a connection")
        wait_until(lambda: states[-1] != grpc.ChannelConnectivity.READY, "its end")
        wait_until(door.answers, "an answer")
