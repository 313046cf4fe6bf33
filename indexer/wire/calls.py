"""A client of the internal protocol, which maps gRPC's errors to those of this program."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc

from indexer.errors import HotUnavailable
from indexer.wire.generated import ingestion_pb2 as wire
from indexer.wire.generated.ingestion_pb2_grpc import InternalIngestionServiceStub
from indexer.wire.limits import ANSWER_BYTES_MAX, CONFIRMED_PATHS, REQUEST_BYTES_MAX, SPANS_MAX
from indexer.wire.paths import excerpt
from indexer.wire.token import TOKEN_METADATA

M = TypeVar("M")


class Unimplemented(Exception):
    """The server is of a version without this call."""


class Calls:
    """One channel to one service. Every call has a deadline and raises HotUnavailable."""

    def __init__(
        self, target: str, token: str | None, *, message_bytes_max: int = ANSWER_BYTES_MAX
    ) -> None:
        """``message_bytes_max`` bounds one message of an answer."""
        self._metadata = ((TOKEN_METADATA, token),) if token else ()
        self._channel = grpc.insecure_channel(target, options=_options(message_bytes_max))
        self._stub = InternalIngestionServiceStub(self._channel)

    def close(self) -> None:
        """Cancel what is under way and disconnect."""
        self._channel.close()

    def read_hot(
        self, after_key: bytes, wal_id: str, timeout_s: float, messages_max: int | None = None
    ) -> Iterator[wire.ReadHotResponse]:
        """Requests after a key, and the state. Raises Unimplemented.

        With ``messages_max`` so many messages of requests at most; a service of an older version
        sends all.
        """
        request = wire.ReadHotRequest(after_key=after_key, wal_id=wal_id, messages_max=messages_max)
        return self._stream("ReadHot", self._stub.ReadHot, request, timeout_s)

    def read_spans(
        self, after_key: bytes, timeout_s: float, batch_size: int = SPANS_MAX
    ) -> Iterator[wire.ReadSpansResponse]:
        """Spans after a key, then one message without a span. Raises Unimplemented."""
        request = wire.ReadSpansRequest(start_key_ulid=after_key, batch_size=batch_size)
        return self._stream("ReadSpans", self._stub.ReadSpans, request, timeout_s)

    def prepare_hot_snapshot(self, timeout_s: float) -> wire.PrepareHotSnapshotResponse:
        """The path of a new snapshot. Raises Unimplemented."""
        with _mapped_errors("PrepareHotSnapshot"):
            return self._stub.PrepareHotSnapshot(
                wire.PrepareHotSnapshotRequest(), timeout=timeout_s, metadata=self._metadata
            )

    def flush_wal(self, timeout_s: float) -> None:
        """Return once what is hot is in files. Raises Unimplemented."""
        with _mapped_errors("FlushWAL"):
            answer = self._stub.FlushWAL(
                wire.FlushWALRequest(), timeout=timeout_s, metadata=self._metadata
            )
        if not answer.success:
            raise HotUnavailable(f"FlushWAL: {excerpt(answer.error_message)}")

    def confirm_files(self, paths: Sequence[str], timeout_s: float) -> None:
        """Say that the index has these files; each call has the time. Raises Unimplemented."""
        with _mapped_errors("ConfirmFiles"):
            for first in range(0, len(paths), CONFIRMED_PATHS):
                request = wire.ConfirmFilesRequest(paths=paths[first : first + CONFIRMED_PATHS])
                self._stub.ConfirmFiles(request, timeout=timeout_s, metadata=self._metadata)

    def flush(self, timeout_s: float) -> str | None:
        """Have everything in the log written to files; what kept the service from it, else None."""
        with _mapped_errors("FlushWAL"):
            done = self._stub.FlushWAL(
                wire.FlushWALRequest(), timeout=timeout_s, metadata=self._metadata
            )
        return None if done.success else excerpt(done.error_message) or "it says no reason"

    def _stream(
        self,
        name: str,
        method: "grpc.UnaryStreamMultiCallable[Any, M]",
        request: Any,
        timeout_s: float,
    ) -> Iterator[M]:
        with _mapped_errors(name):
            call = method(request, timeout=timeout_s, metadata=self._metadata)
            try:
                yield from call
            finally:
                call.cancel()


@contextmanager
def _mapped_errors(name: str) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        raise _error_of(name, error) from error
    except ValueError as error:  # what grpc raises for a channel that is closed
        raise HotUnavailable(f"{name}: {error}") from error


def _error_of(name: str, error: Any) -> Exception:
    """``error`` is an RpcError that is a Call as well, as all that a channel raises are."""
    code: grpc.StatusCode = error.code()
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Unimplemented(name)
    message = f"{name}: {code.name} {excerpt(error.details() or '')}"
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return HotUnavailable(message, hint="Give worker and service the same internal token.")
    return HotUnavailable(message)


def _options(message_bytes_max: int) -> list[tuple[str, int]]:
    """Keepalive only during calls: servers close a connection that is pinged while idle.

    gRPC's own pause between attempts to connect grows to two minutes; the breaker decides here.
    """
    return [
        ("grpc.max_receive_message_length", message_bytes_max),
        ("grpc.max_send_message_length", REQUEST_BYTES_MAX),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0),
    ]
