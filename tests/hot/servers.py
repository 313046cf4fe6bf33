"""Ingestion services of three generations, in this process, as truthful or as lying as asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

from indexer.errors import HotUnavailable
from indexer.hot.decoding import Decoder
from indexer.hot.requests import HotRequests, Requests
from indexer.hot.source import HotSource
from indexer.hot.view import HotLimits, HotView
from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.generated.ingestion_pb2_grpc import (
    InternalIngestionServiceServicer,
    add_InternalIngestionServiceServicer_to_server,
)
from tests.support.fake_clock import FakeClock
from tests.support.span_files import Span

GARBAGE = b"\xff\xff\xff garbage"


def otlp_span(span: Span) -> OtlpSpan:
    return OtlpSpan(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=b"" if span.parent is None else span.parent.to_bytes(8, "big"),
        name=span.name,
        kind=span.kind,
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.start + span.duration,
    )


def resource(service: str) -> Resource:
    value = AnyValue(string_value=service)
    return Resource(attributes=[KeyValue(key="service.name", value=value)])


def body(*spans: Span) -> bytes:
    """One export request."""
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=resource(span.service), scope_spans=[ScopeSpans(spans=[otlp_span(span)])]
            )
            for span in spans
        ]
    ).SerializeToString()


def hot_requests(*bodies: bytes) -> HotRequests:
    """As a view has them; nothing is decoded."""
    decoder = Decoder()
    sent = [wire.HotRequest(key=key(at), body=one) for at, one in enumerate(bodies, 1)]
    return HotRequests(decoder, [Requests.from_wire(decoder, sent)] if sent else [])


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


class Wal:
    """A log as the protocol describes it, and nothing else: the model of the buffer's tests."""

    def __init__(self, name: str = "log-1") -> None:
        self.restart(name)

    def restart(self, name: str) -> None:
        """Another log: its keys begin anew, and nothing of the old one is hot."""
        self.name = name
        self.requests: list[tuple[bytes, bytes, int]] = []
        self.newest = b""
        self.flushed = b""
        self.files: list[str] = []

    def append(self, *spans: Span, raw: bytes | None = None) -> bytes:
        self.newest = key(int.from_bytes(self.newest, "big") + 1)
        stored = body(*spans) if raw is None else raw
        self.requests.append((self.newest, stored, len(spans)))
        return self.newest

    def flush(self, path: str = "", upto: bytes | None = None) -> None:
        self.flushed = max(self.flushed, self.newest if upto is None else upto)
        self.requests = [one for one in self.requests if one[0] > self.flushed]
        if path:
            self.files.append(path)

    def answer(self, request: wire.ReadHotRequest, per_message: int) -> list[wire.ReadHotResponse]:
        after = request.after_key if request.wal_id == self.name else b""
        wanted = [
            wire.HotRequest(key=at, body=stored, span_count=count)
            for at, stored, count in self.requests
            if at > after
        ]
        parts = [wanted[at : at + per_message] for at in range(0, len(wanted), per_message)]
        if request.HasField("messages_max"):
            parts = parts[: request.messages_max]
        state = wire.HotState(
            wal_id=self.name,
            newest_key=self.newest,
            flushed_key=self.flushed,
            as_of_unix_nano=7,
            recent_files=[wire.RecentFile(path=path, span_count=1) for path in self.files],
            pending_spans=sum(count for _, _, count in self.requests),
        )
        return [*(wire.ReadHotResponse(requests=part) for part in parts), _last(state)]


def _last(state: wire.HotState) -> wire.ReadHotResponse:
    return wire.ReadHotResponse(state=state)


class Server(InternalIngestionServiceServicer):
    """Of no generation: every call is refused as one that it does not know."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.tokens: list[str | None] = []
        self.before: Callable[[], None] = lambda: None
        """Runs at the start of each call that is known."""

    def called(self, name: str, context: grpc.ServicerContext) -> None:
        self.calls.append(name)
        metadata = dict(context.invocation_metadata())
        self.tokens.append(metadata.get("x-junjo-internal-token"))
        self.before()

    def unknown(self, name: str, context: grpc.ServicerContext) -> None:
        self.calls.append(name)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    def ReadHot(self, request, context):  # noqa: N802 - gRPC names it
        self.unknown("ReadHot", context)
        yield

    def PrepareHotSnapshot(self, request, context):  # noqa: N802 - gRPC names it
        self.unknown("PrepareHotSnapshot", context)

    def ReadSpans(self, request, context):  # noqa: N802 - gRPC names it
        self.unknown("ReadSpans", context)
        yield


class IncrementalServer(Server):
    def __init__(self, wal: Wal | None = None, per_message: int = 2) -> None:
        super().__init__()
        self.wal = wal or Wal()
        self.per_message = per_message
        self.asked: list[tuple[bytes, str]] = []
        self.breaks_after: int | None = None
        """Messages sent before the connection is lost."""

    def ReadHot(self, request, context):  # noqa: N802 - gRPC names it
        self.called("ReadHot", context)
        self.asked.append((request.after_key, request.wal_id))
        for at, message in enumerate(self.wal.answer(request, self.per_message)):
            if at == self.breaks_after:
                context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            yield message


class SnapshotServer(Server):
    def __init__(self, path: str | Path = "", **fields: object) -> None:
        super().__init__()
        self.fields = {"snapshot_path": str(path), "success": True, **fields}

    def PrepareHotSnapshot(self, request, context):  # noqa: N802 - gRPC names it
        self.called("PrepareHotSnapshot", context)
        return wire.PrepareHotSnapshotResponse(**self.fields)


class StreamServer(Server):
    """Sends at most ``batch`` spans an answer, then a message with a key alone."""

    def __init__(self, *rows: tuple[bytes, bytes], batch: int = 2) -> None:
        super().__init__()
        self.rows = rows
        self.batch = batch

    def ReadSpans(self, request, context):  # noqa: N802 - gRPC names it
        self.called("ReadSpans", context)
        first = int.from_bytes(request.start_key_ulid, "big")
        last = first
        for at, (span, resource_bytes) in enumerate(self.rows[first : first + self.batch]):
            last = first + at + 1
            if span:
                yield wire.ReadSpansResponse(
                    key_ulid=key(last), span_bytes=span, resource_bytes=resource_bytes
                )
        yield wire.ReadSpansResponse(key_ulid=key(last) if last else b"")


@contextmanager
def serving(servicer: Server, port: int = 0) -> Iterator[int]:
    """The port that it listens on; everything is gone afterwards."""
    threads = ThreadPoolExecutor(4)
    server = grpc.server(threads)
    add_InternalIngestionServiceServicer_to_server(servicer, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield bound
    finally:
        server.stop(None).wait()
        threads.shutdown()


@contextmanager
def source(port: int, root: Path, **options: object) -> Iterator[HotSource]:
    limits = {"deadline_s": 60.0, "first_deadline_s": 60.0, **options.pop("limits", {})}
    one = HotSource(
        f"127.0.0.1:{port}",
        **{
            "token": None,
            "storage_root": str(root),
            "snapshot_root": None,
            "clock": FakeClock(),
            "limits": HotLimits(**limits),
            **options,
        },
    )
    try:
        yield one
    finally:
        one.close()


def view_of(servicer: Server, root: Path, **options: object) -> HotView:
    """What one question brings."""
    with serving(servicer) as port, source(port, root, **options) as one:
        return one.now()


def until_answered(one: HotSource, clock: FakeClock) -> HotView:
    """Ask again and again, as time passes, until the service is back."""
    for _ in range(2_000):
        try:
            return one.now()
        except HotUnavailable:
            clock.advance(60)
            threading.Event().wait(0.05)
    raise AssertionError("it never came back")


def span_ids(view: HotView) -> list[int]:
    return sorted(int(text, 16) for text in view.table["span_id"].to_pylist())
