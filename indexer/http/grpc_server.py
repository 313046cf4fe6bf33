"""gRPC servers of every port: how many calls they take, who is let in, how they refuse.

grpcio holds a whole message before a handler runs, so what bounds memory is the number of worker
threads times the largest message. A call that is not let in is refused before its message is
received.
"""

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidSettings
from indexer.system.addresses import Address, Endpoint, check_free
from indexer.system.tokens import bearer, is_equal

RETRY_AFTER_S = 1
"""How long a caller is asked to wait when there is no room."""
WATCHES_PER_LIMIT = 10
"""How often calls that receive are looked at, in the time that they have."""
REFUSING_THREADS = 1
"""Refusals wait for nothing and nobody."""
_MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """What callers of one port may take."""

    threads: int
    """Calls that are answered at once."""
    message_bytes: int
    """The largest message, after decompression."""
    waiting: int = 64
    """Calls that wait for a thread; their messages wait in the connection's window of 64 KiB."""
    connections: int = 1_024
    handshake_s: float = 10.0
    """From the beginning of a connection to its first settings."""
    idle_s: float = 75.0
    """Without a call; clients connect again by themselves."""
    receive_s: float = 10.0
    """From a call's turn to its whole message: the SDKs' own time-out of an export. A thread waits
    for it, so that a caller who never sends the rest keeps one from others."""

    @property
    def message_bytes_in_hand(self) -> int:
        """What messages can hold at once."""
        return self.threads * self.message_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCheck:
    """The token of a port, and the metadata that may carry it."""

    token: str | None
    metadata: str
    """Its own key; ``authorization: Bearer`` is as good."""

    def admits(self, sent: Mapping[str, str | bytes]) -> bool:
        """Whether the metadata has the token, where there is one."""
        given = [sent.get(self.metadata), bearer(sent.get("authorization"))]
        equal = [is_equal(self.token, one) for one in given]
        return any(equal)  # all are compared, so that the time does not reveal which one it was


class CountedThreads(ThreadPoolExecutor):
    """A pool that knows how many calls it has, under way or waiting."""

    def __init__(self, threads: int, name: str) -> None:
        super().__init__(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self.in_hand = 0

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """As the pool does; counted until it has ended."""
        with self._lock:
            self.in_hand += 1
        try:
            job = super().submit(call, *args, **kwargs)
        except BaseException:
            self._ended(None)
            raise
        job.add_done_callback(self._ended)
        return job

    def _ended(self, _: object) -> None:
        with self._lock:
            self.in_hand -= 1


class ReceiveWatch:
    """Ends calls whose message does not arrive in time; one thread for all of them.

    It sleeps while there is no such call.
    """

    def __init__(self, receive_s: float) -> None:
        self._receive_s = receive_s
        self._lock = threading.Lock()
        self._receiving: dict[int, tuple[float, grpc.ServicerContext]] = {}
        self._begun, over = threading.Event(), threading.Event()
        # The thread ends with the server that has the watch.
        weakref.finalize(self, _end, over, self._begun)
        threading.Thread(
            target=_watch,
            args=(weakref.ref(self), over, self._begun),
            name="grpc-receive",
            daemon=True,
        ).start()

    @contextmanager
    def until_received(self, context: grpc.ServicerContext) -> Iterator[None]:
        """Watch a call that waits for its message."""
        with self._lock:
            self._receiving[id(context)] = (time.monotonic() + self._receive_s, context)
            self._begun.set()
        try:
            yield
        finally:
            with self._lock:
                del self._receiving[id(context)]

    @property
    def interval_s(self) -> float:
        """From one look at the calls to the next."""
        return self._receive_s / WATCHES_PER_LIMIT

    def cancel_late(self) -> None:
        """End the calls that have waited for too long."""
        now_s = time.monotonic()
        with self._lock:
            if not self._receiving:
                self._begun.clear()
            late = [one for due_s, one in self._receiving.values() if due_s < now_s]
        for context in late:
            context.cancel()


def _end(*events: threading.Event) -> None:
    for event in events:
        event.set()


def _watch(of: "weakref.ref[ReceiveWatch]", over: threading.Event, begun: threading.Event) -> None:
    interval_s = 0.0
    while begun.wait() and not over.wait(interval_s):
        watch = of()
        if watch is None:
            return
        watch.cancel_late()
        interval_s = watch.interval_s
        del watch  # or the thread would keep it


class Refusals:
    """Handlers that refuse without receiving a message, on a thread of their own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(REFUSING_THREADS, thread_name_prefix="grpc-refuse")

    def handler(
        self, code: grpc.StatusCode, message: str, *, retry: bool = False
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        """One that ends every call with a code."""

        def refuse(_: object, context: grpc.ServicerContext) -> NoReturn:
            abort(context, code, message, retry=retry)

        # grpcio looks for a pool at the behaviour itself; calls would else wait for a worker.
        refuse.experimental_thread_pool = self._threads  # type: ignore[attr-defined]
        return grpc.stream_unary_rpc_method_handler(refuse)


class _Admission(grpc.ServerInterceptor):
    """Refuses calls without the token, and those that there is no room for."""

    def __init__(
        self, threads: CountedThreads, limits: CallLimits, check: TokenCheck, refusals: Refusals
    ) -> None:
        self._threads = threads
        self._in_hand_max = limits.threads + limits.waiting
        self._watch = ReceiveWatch(limits.receive_s)
        self._check = check
        self._busy = refusals.handler(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"{self._in_hand_max} calls are being answered or wait",
            retry=True,
        )
        self._unknown = refusals.handler(
            grpc.StatusCode.UNAUTHENTICATED,
            f"the token is missing or not the right one; send it as {check.metadata}, or as "
            "authorization: Bearer TOKEN",
        )

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """The handler of a call, or the one that refuses it."""
        if not self._check.admits(dict(handler_call_details.invocation_metadata)):
            return self._unknown
        if self._threads.in_hand >= self._in_hand_max:
            return self._busy
        handler = continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        return self._received_in_time(handler)

    def _received_in_time(self, handler: Any) -> Any:
        """The same method as one of a stream, which is the same on the wire.

        Its one message is waited for here, with an end.
        """
        answer = handler.unary_stream if handler.response_streaming else handler.unary_unary

        def receive(messages: Iterator[Any], context: grpc.ServicerContext) -> Any:
            with self._watch.until_received(context):
                message = next(messages, None)
            if message is None:
                abort(context, grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
            return answer(message, context)

        make = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        return make(receive, handler.request_deserializer, handler.response_serializer)


class _Unserved(grpc.GenericRpcHandler):
    """Says why a method is not here."""

    def __init__(self, reason: Callable[[str], str], refusals: Refusals) -> None:
        self._reason = reason
        self._refusals = refusals

    def service(self, handler_call_details: Any) -> Any:
        """UNIMPLEMENTED, which senders do not repeat."""
        reason = self._reason(handler_call_details.method)
        return self._refusals.handler(grpc.StatusCode.UNIMPLEMENTED, reason)


def make_server(
    *,
    name: str,
    limits: CallLimits,
    check: TokenCheck,
    handlers: Sequence[grpc.GenericRpcHandler] = (),
    unserved: Callable[[str], str],
) -> grpc.Server:
    """A server that listens nowhere yet. ``unserved`` says of a method why it is not here."""
    threads = CountedThreads(limits.threads, name)
    refusals = Refusals()
    server = grpc.server(
        threads,
        interceptors=[_Admission(threads, limits, check, refusals)],
        options=[
            ("grpc.max_receive_message_length", limits.message_bytes),
            ("grpc.max_allowed_incoming_connections", limits.connections),
            ("grpc.server_handshake_timeout_ms", int(limits.handshake_s * _MILLISECONDS)),
            ("grpc.max_connection_idle_ms", int(limits.idle_s * _MILLISECONDS)),
            ("grpc.so_reuseport", 0),
        ],
        compression=grpc.Compression.NoCompression,
    )
    server.add_generic_rpc_handlers((*handlers, _Unserved(unserved, refusals)))
    return server


def bind(server: grpc.Server, endpoint: Endpoint) -> Address:
    """Make it listen, and where. Raises InvalidSettings, with the reason that gRPC only logs."""
    address = check_free(endpoint)
    try:
        port = server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise InvalidSettings(f"{endpoint.setting}={endpoint.listen}: {error}") from error
    return replace(address, port=int(port))


def abort(
    context: grpc.ServicerContext, code: grpc.StatusCode, message: str, *, retry: bool = False
) -> NoReturn:
    """End the call. ``retry`` adds RetryInfo, without which OTLP drops what it could send again."""
    if retry:
        detail = AnyMessage()
        detail.Pack(RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_S)))
        status = Status(code=code.value[0], message=message, details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)
