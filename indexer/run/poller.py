"""The way in for a remote ingestion service: its spans, read by key, become files of the storage.

One batch at a time: read, write a durable file, save the key. The key moves only over spans that
are in a file, so a batch that fails is asked for again, however often. A crash in between leaves
the file or nothing, and ``PollState`` tells which: no span is lost by it and none is in two files.
What the service deleted before it was polled is not seen here; its own files have that.
"""

import asyncio
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.deferred_dataclass import dataclass
from indexer.errors import HotUnavailable, InvalidOtlp, InvalidSettings
from indexer.ingest.layout import span_file
from indexer.ingest.leftovers import remove_leftovers
from indexer.ingest.parquet import write_span_file
from indexer.ingest.poll_state import PollState
from indexer.ingest.range_file import keep_refused, restrict_refused
from indexer.otlp.clip import Clipped
from indexer.otlp.portions import within_limits
from indexer.otlp.request_limits import REQUEST_LIMITS
from indexer.otlp.requests import has_identity
from indexer.otlp.spans import span_table_of
from indexer.settings import Settings
from indexer.settings.paths import check_poller_paths
from indexer.system import retry
from indexer.system.counted_nouns import counted
from indexer.system.durable_files import sync_folder
from indexer.system.permissions import DEFAULT_MODES, FileModes
from indexer.system.stop_signals import catch_stop_signals
from indexer.telemetry.log import (
    POLL_FAILED,
    POLL_STARTED,
    POLL_STOPPED,
    POLL_STOPPING,
    SPAN_REFUSED,
    SPANS_CLIPPED,
    SPANS_POLLED,
    log,
)
from indexer.wire.calls import Calls, Unimplemented
from indexer.wire.generated.ingestion_pb2 import ReadSpansResponse
from indexer.wire.keys import KEY_BYTES

READ_S_MAX = 60.0
"""Of one batch: 10,000 spans over a slow line; beyond, the service hangs."""
BATCH_BYTES_MAX = 64 << 20
"""Of one batch in memory: 10,000 spans of 6 KB. Beyond, what is there becomes a file first."""
GRACE_S = 5.0
"""How long a stop waits for a batch that is still being read; nothing of it is written yet."""

ReadSpans = Callable[[bytes, int], Generator[ReadSpansResponse, None, None]]
"""(key, exclusive; spans at most) -> the messages. Raises HotUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Messages with a span, and the key after which the next batch begins."""

    spans: Sequence[ReadSpansResponse]
    through_key: bytes
    is_full: bool
    """Whether there are likely more."""


class Poller:
    """Spans of one service, into one storage."""

    def __init__(
        self,
        read_spans: ReadSpans,
        state: PollState,
        root: Path,
        refused: Path,
        *,
        size: int,
        modes: FileModes = DEFAULT_MODES,
    ) -> None:
        """``refused`` is the folder for spans that no file can hold."""
        self._modes = modes
        self._read_spans = read_spans
        self._state = state
        self._root = root
        self._refused = refused
        self._size = size
        self._failures = 0

    def poll(self) -> float | None:
        """Read and write one batch; seconds to wait before the next one, None for the usual.

        Whatever goes wrong is told and the batch is tried again: smaller, in case it cannot be
        read within the time that a read has.
        """
        try:
            is_full = self.take_batch(max(1, self._size >> self._failures))
        except Exception as error:  # noqa: BLE001 - told, and tried again: the service keeps all
            self._failures += 1
            reason = f"{type(error).__name__}: {error}"
            log(POLL_FAILED, f"a batch failed: {reason}", tries=self._failures)
            return retry.POLL.pause_s(self._failures)
        self._failures = 0
        return 0.0 if is_full else None

    def take_batch(self, size: int) -> bool:
        """The spans after the saved key, as a file; whether there are likely more.

        Raises HotUnavailable, RefusedFull, OSError and sqlite3.Error; the key has not moved then.
        """
        self._settle()
        last_key = self._state.last_key()
        batch = self._read(last_key, size)
        if batch.spans:
            self._write(batch)
        if batch.spans or batch.through_key != last_key:
            self._state.finish(batch.through_key)
        return batch.is_full

    def _settle(self) -> None:
        """End the batch that was begun: if its file is there, only its key is missing."""
        begun = self._state.unfinished_range()
        if begun is None:
            return
        target = span_file(self._root, *begun)
        if target.exists():
            sync_folder(target.parent)
            self._state.finish(begun[1])

    def _read(self, last_key: bytes, size: int) -> _Batch:
        spans: list[ReadSpansResponse] = []
        through_key, read_bytes = last_key, 0
        with closing(self._read_spans(last_key, size)) as messages:
            for message in messages:
                key = message.key_ulid
                if message.span_bytes:
                    if len(key) < KEY_BYTES:
                        raise HotUnavailable(f"ReadSpans: a span has the key {key.hex()!r}")
                    spans.append(message)
                    read_bytes += len(message.span_bytes) + len(message.resource_bytes)
                through_key = max(through_key, key)
                if read_bytes >= BATCH_BYTES_MAX:
                    break
        is_full = len(spans) >= size or read_bytes >= BATCH_BYTES_MAX
        return _Batch(spans=spans, through_key=through_key, is_full=is_full)

    def _write(self, batch: _Batch) -> None:
        table, refused = _decoded(batch.spans)
        for message, reason in refused:
            self._keep(message, reason)
        if not table.num_rows:
            return
        first_key = batch.spans[0].key_ulid
        target = span_file(self._root, first_key, batch.through_key)
        self._state.begin(first_key, batch.through_key)
        write_span_file(table, target, self._modes)
        log(
            SPANS_POLLED,
            f"{counted(table.num_rows, 'span')} in {target}",
            path=str(target),
            span_count=table.num_rows,
        )

    def _keep(self, message: ReadSpansResponse, reason: str) -> None:
        name = f"{message.key_ulid.hex()}.pb"
        target = keep_refused(self._refused, name, message.SerializeToString())
        log(
            SPAN_REFUSED,
            f"a span cannot be in a file and is kept as {target}: {reason}",
            path=str(target),
            reason=reason,
        )


def serve_poll(settings: Settings) -> None:
    """Poll until SIGTERM or SIGINT; the batch in hand is finished. Raises what prevents it."""
    if not settings.ingestion_host:
        raise InvalidSettings(
            "INGESTION_GRPC_HOST is not set",
            hint="Set it to the host whose spans are to be polled.",
        )
    target = f"{settings.ingestion_host}:{settings.ingestion_port}"
    root, path = Path(settings.ingestion_root), Path(os.path.abspath(settings.poller_state_path))
    token = settings.internal_token.get_secret_value() or None
    modes = settings.file_modes
    check_poller_paths(settings)
    with (
        closing(PollState.open(path, modes)) as state,
        closing(Calls(target, token)) as calls,
    ):
        remove_leftovers(root)
        restrict_refused(refused_folder(path))
        poller = Poller(
            reading(calls),
            state,
            root,
            refused_folder(path),
            size=settings.span_batch_size,
            modes=modes,
        )
        log(POLL_STARTED, f"polling {target} every {settings.span_poll_interval_s:g} s into {root}")
        asyncio.run(_until_stopped(poller, calls, settings.span_poll_interval_s))
        log(POLL_STOPPED, "stopped; every span up to the saved key is in a file")


def reading(calls: Calls) -> ReadSpans:
    """ReadSpans of a service. A service that has no such call may get one: it is asked again."""

    def read_spans(last_key: bytes, size: int) -> Generator[ReadSpansResponse, None, None]:
        try:
            yield from calls.read_spans(last_key, READ_S_MAX, size)
        except Unimplemented as error:
            raise HotUnavailable("the service has no ReadSpans") from error

    return read_spans


def refused_folder(state_path: Path) -> Path:
    """``<state>.refused``: spans that no file can hold, a file each, as they came."""
    return state_path.with_name(state_path.name + ".refused")


async def _until_stopped(poller: Poller, calls: Calls, interval_s: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def request_stop() -> None:
        if not stop.is_set():
            waits = f"stopping: finishing the batch in hand, for up to {GRACE_S:g} s"
            log(POLL_STOPPING, waits)
        stop.set()
        loop.call_later(GRACE_S, calls.close)

    catch_stop_signals().tell_loop(request_stop)
    while not stop.is_set():
        pause_s = await asyncio.to_thread(poller.poll)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval_s if pause_s is None else pause_s)


def _decoded(
    messages: Sequence[ReadSpansResponse],
) -> tuple[pa.Table, list[tuple[ReadSpansResponse, str]]]:
    """The rows of the spans that a file can hold, and the others with the reason."""
    held: list[tuple[bytes, bytes]] = []
    refused = []
    clipped = Clipped()
    for message in messages:
        try:
            pair = within_limits(
                message.span_bytes, message.resource_bytes, REQUEST_LIMITS, clipped
            )
        except InvalidOtlp as error:
            refused.append((message, f"it does not decode: {error}"))
            continue
        reason = _why_not(*pair)
        if reason:
            refused.append((message, reason))
        else:
            held.append(pair)
    if clipped.messages:
        log(SPANS_CLIPPED, str(clipped), **clipped.left_out)
    return span_table_of(held), refused


def _why_not(span_bytes: bytes, resource_bytes: bytes) -> str:
    """Why a span cannot be a row; empty when it can. An empty resource is a resource."""
    try:
        span = Span.FromString(span_bytes)
        Resource.FromString(resource_bytes)
    except DecodeError as error:
        return f"it does not decode: {error}"
    return "" if has_identity(span) else "it has no valid trace_id and span_id"
