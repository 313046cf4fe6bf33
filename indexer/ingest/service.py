"""The internal gRPC service: what the indexer asks of an ingestion.

It answers the calls of every Junjo generation, and two of our own that need no file between them:
ReadHot has the state of the same moment as its requests, ConfirmFiles ends a file's listing.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import grpc
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.errors import InvalidOtlp, WalBusy
from indexer.http.grpc_server import CallLimits, TokenCheck, abort, make_server
from indexer.ingest.events import INTERNAL_CALL_FAILED
from indexer.ingest.flush import Flusher
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.log_reader import LoggedRequest, WalState
from indexer.ingest.shared_runs import SharedRuns
from indexer.ingest.wal import Wal
from indexer.otlp.portions import portions
from indexer.telemetry.log import log
from indexer.wire.generated import ingestion_pb2, ingestion_pb2_grpc
from indexer.wire.keys import (
    KEY_BYTES,
    SPAN_KEY_BYTES,
    after_last_span,
    key_before,
    span_key,
)
from indexer.wire.limits import (
    CALL_BYTES_MAX,
    CONFIRMED_PATHS_MAX,
    MESSAGE_BODY_BYTES,
    MESSAGE_REQUESTS,
    SPANS_DEFAULT,
    SPANS_MAX,
)
from indexer.wire.token import TOKEN_METADATA

SNAPSHOT_S_MAX = 60.0
"""A client that reads slower holds the log's file open at one moment; its call is cancelled."""
CALLS_MAX = 8
"""Calls at a time; a reader and a flush may wait, the others need milliseconds."""
SHARED_CALLERS_MAX = 3
"""Of FlushWAL, and of PrepareHotSnapshot, at a time: each holds one of the threads while it waits,
and two are left for calls that need milliseconds."""
EMPTY_RESOURCE = b"\x10\x00"
"""An empty Resource that is not zero bytes (its count of dropped attributes, 0, spelt out): Junjo
readers take a message without resource bytes for the last one, and lost the span."""


class InternalIngestion(ingestion_pb2_grpc.InternalIngestionServiceServicer):
    """The service over one log, its flusher and its snapshots."""

    def __init__(self, wal: Wal, flusher: Flusher, snapshots: HotSnapshots) -> None:
        self._wal = wal
        self._flushes = SharedRuns(
            flusher.flush_all, name="FlushWAL", callers_max=SHARED_CALLERS_MAX
        )
        self._snapshots = SharedRuns(
            snapshots.prepare, name="PrepareHotSnapshot", callers_max=SHARED_CALLERS_MAX
        )

    def ReadSpans(  # noqa: N802 - the wire's name
        self, request: ingestion_pb2.ReadSpansRequest, context: grpc.ServicerContext
    ) -> Iterator[ingestion_pb2.ReadSpansResponse]:
        """Spans after a key, in order of arrival; at last a key that passes all of them."""
        start = request.start_key_ulid
        if len(start) not in (0, KEY_BYTES, SPAN_KEY_BYTES):
            lengths = f"0, {KEY_BYTES} or {SPAN_KEY_BYTES}"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"a key has {lengths} bytes")
        with _answering(context):
            yield from self._spans(start, min(request.batch_size or SPANS_DEFAULT, SPANS_MAX))

    def PrepareHotSnapshot(  # noqa: N802 - the wire's name
        self,
        request: ingestion_pb2.PrepareHotSnapshotRequest,  # noqa: ARG002 - gRPC passes it
        context: grpc.ServicerContext,
    ) -> ingestion_pb2.PrepareHotSnapshotResponse:
        """What is hot as one file; the files that are not confirmed, newest first."""
        with _answering(context):
            snapshot = self._snapshots.join()
            return ingestion_pb2.PrepareHotSnapshotResponse(
                snapshot_path=snapshot.path,
                row_count=snapshot.row_count,
                file_size_bytes=snapshot.size_bytes,
                success=True,
                recent_cold_paths=[file.path for file in reversed(snapshot.recent_files)],
            )

    def FlushWAL(  # noqa: N802 - the wire's name
        self,
        request: ingestion_pb2.FlushWALRequest,  # noqa: ARG002 - gRPC passes it
        context: grpc.ServicerContext,
    ) -> ingestion_pb2.FlushWALResponse:
        """Everything acknowledged before the call is in files when it returns."""
        with _answering(context):
            self._flushes.join()
            return ingestion_pb2.FlushWALResponse(success=True)

    def ReadHot(  # noqa: N802 - the wire's name
        self, request: ingestion_pb2.ReadHotRequest, context: grpc.ServicerContext
    ) -> Iterator[ingestion_pb2.ReadHotResponse]:
        """Requests after a key of this log, else from the oldest; the state in the last message."""
        ours = request.wal_id in ("", self._wal.wal_id)
        messages_max = request.messages_max if request.HasField("messages_max") else None
        with _answering(context), _deadline(context):
            batches = self._wal.snapshot(
                request.after_key if ours else b"",
                rows_max=MESSAGE_REQUESTS,
                bytes_max=MESSAGE_BODY_BYTES,
                batches_max=messages_max,
            )
            with closing(batches):
                for batch in batches:
                    yield _hot_response(batch)

    def ConfirmFiles(  # noqa: N802 - the wire's name
        self, request: ingestion_pb2.ConfirmFilesRequest, context: grpc.ServicerContext
    ) -> ingestion_pb2.ConfirmFilesResponse:
        """Files that the index has are listed no more. Paths that are not listed change nothing."""
        if len(request.paths) > CONFIRMED_PATHS_MAX:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"{len(request.paths)} paths, expected {CONFIRMED_PATHS_MAX} or fewer in a call",
            )
        with _answering(context):
            confirmed = self._wal.confirm(request.paths)
            return ingestion_pb2.ConfirmFilesResponse(confirmed_count=confirmed)

    def _spans(self, start: bytes, limit: int) -> Iterator[ingestion_pb2.ReadSpansResponse]:
        last, sent = start, 0
        for key, span in self._positions(start):
            if span is not None:
                if sent == limit:
                    break
                yield span
                sent += 1
            last = key
        yield ingestion_pb2.ReadSpansResponse(key_ulid=last, remaining_count=0)

    def _positions(
        self, start: bytes
    ) -> Iterator[tuple[bytes, ingestion_pb2.ReadSpansResponse | None]]:
        """Each span after a key; no span, but a key, for a request that does not decode."""
        after = key_before(start[:KEY_BYTES]) if start else b""
        while batch := self._wal.read_after(
            after, rows_max=MESSAGE_REQUESTS, bytes_max=MESSAGE_BODY_BYTES
        ):
            for request in batch:
                yield from ((key, span) for key, span in _span_messages(request) if key > start)
            after = batch[-1].key


def internal_server(
    service: InternalIngestion, *, token: str | None = None, limits: CallLimits | None = None
) -> grpc.Server:
    """A server that listens nowhere yet."""
    server = make_server(
        name="internal",
        limits=limits or CallLimits(threads=CALLS_MAX, message_bytes=CALL_BYTES_MAX),
        check=TokenCheck(token=token, metadata=TOKEN_METADATA),
        unserved=lambda method: f"{method[:200]} is not a call of the internal port",
    )
    ingestion_pb2_grpc.add_InternalIngestionServiceServicer_to_server(service, server)
    return server


def _span_messages(
    request: LoggedRequest,
) -> Iterator[tuple[bytes, ingestion_pb2.ReadSpansResponse | None]]:
    ordinal = 0
    try:
        for span, resource in _spans_of(request.body):
            key = span_key(request.key, ordinal)
            message = ingestion_pb2.ReadSpansResponse(
                key_ulid=key, span_bytes=span, resource_bytes=resource
            )
            yield key, message
            ordinal += 1
    except (DecodeError, InvalidOtlp):
        yield after_last_span(request.key), None


def _spans_of(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each serialised span with its resource, within limits. Raises DecodeError, InvalidOtlp."""
    for portion in portions(body):
        for group in ExportTraceServiceRequest.FromString(portion).resource_spans:
            resource = group.resource.SerializeToString() or EMPTY_RESOURCE
            for span in (span for scope in group.scope_spans for span in scope.spans):
                yield span.SerializeToString(), resource


def _hot_response(batch: list[LoggedRequest] | WalState) -> ingestion_pb2.ReadHotResponse:
    if isinstance(batch, WalState):
        return ingestion_pb2.ReadHotResponse(state=_hot_state(batch))
    return ingestion_pb2.ReadHotResponse(
        requests=[
            ingestion_pb2.HotRequest(key=one.key, body=one.body, span_count=one.span_count)
            for one in batch
        ]
    )


def _hot_state(state: WalState) -> ingestion_pb2.HotState:
    return ingestion_pb2.HotState(
        wal_id=state.wal_id,
        newest_key=state.newest_key,
        flushed_key=state.flushed_key,
        as_of_unix_nano=state.as_of_unix_nano,
        recent_files=[
            ingestion_pb2.RecentFile(path=file.path, span_count=file.span_count)
            for file in state.recent_files
        ],
        unlisted_files=state.unlisted_files,
        pending_spans=state.pending_spans,
    )


@contextmanager
def _answering(context: grpc.ServicerContext) -> Iterator[None]:
    """What goes wrong inside, as a code and a message."""
    try:
        yield
    except WalBusy as error:
        abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, error.message, retry=True)
    except Exception as error:  # noqa: BLE001 - the caller is told, and the log
        reason = f"{type(error).__name__}: {error}"
        log(INTERNAL_CALL_FAILED, f"an internal call failed: {reason}")
        context.abort(grpc.StatusCode.INTERNAL, reason)


@contextmanager
def _deadline(context: grpc.ServicerContext) -> Iterator[None]:
    """Cancel the call after a time, also while it waits for its client to read."""
    timer = threading.Timer(SNAPSHOT_S_MAX, context.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
