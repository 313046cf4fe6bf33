"""A remote ingestion service as the first one was, and the files that polling makes of it.

Keys ascend in order of arrival, every answer ends with a key and no span, rows that the service
cannot read are passed over, flushed rows are deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import grpc
import pyarrow.parquet as pq

from indexer.ingest.poll_state import PollState
from indexer.run.poller import Poller, reading, refused_folder
from indexer.wire.calls import Calls
from indexer.wire.generated import ingestion_pb2 as wire
from tests.hot.servers import Server, otlp_span, resource
from tests.ingest.bodies import files_below
from tests.support.span_files import Span

T0_MS = 1_790_000_000_000
RESOURCE = resource("shop").SerializeToString()


def ulid(number: int) -> bytes:
    """The key of the nth span: a millisecond later than the one before."""
    return (T0_MS + number).to_bytes(6, "big") + number.to_bytes(10, "big")


def span_bytes(number: int) -> bytes:
    return otlp_span(Span(trace=number, span=number)).SerializeToString()


class Upstream(Server):
    """Spans 1 to ``count``, in pages of what is asked for."""

    def __init__(self, count: int = 0) -> None:
        super().__init__()
        self.rows: dict[int, tuple[bytes, bytes] | None] = {}
        self.asked: list[tuple[bytes, int]] = []
        self.breaks_after: int | None = None
        self.add(count)

    def add(self, count: int) -> None:
        first = max(self.rows, default=0) + 1
        self.rows |= {
            number: (span_bytes(number), RESOURCE) for number in range(first, first + count)
        }

    def ReadSpans(self, request, context):  # noqa: N802 - gRPC names it
        self.called("ReadSpans", context)
        self.asked.append((request.start_key_ulid, request.batch_size))
        last = request.start_key_ulid
        after = [number for number in sorted(self.rows) if ulid(number) > last]
        for sent, number in enumerate(after[: request.batch_size]):
            if sent == self.breaks_after:
                context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            last = ulid(number)
            row = self.rows[number]
            if row is not None:
                yield wire.ReadSpansResponse(
                    key_ulid=last, span_bytes=row[0], resource_bytes=row[1]
                )
        yield wire.ReadSpansResponse(key_ulid=last, remaining_count=7)


class Place:
    """One storage and one state, polled by one process after another."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "spans"
        self.state_path = folder / "state" / "poller.sqlite"
        self.refused = refused_folder(self.state_path)

    @contextmanager
    def poller(self, port: int, size: int = 10) -> Iterator[Poller]:
        """A process's life."""
        calls = Calls(f"127.0.0.1:{port}", "token")
        with closing(calls), closing(PollState.open(self.state_path)) as state:
            yield Poller(reading(calls), state, self.root, self.refused, size=size)

    def files(self) -> list[Path]:
        return files_below(self.root)

    def numbers(self) -> list[int]:
        """Of the spans in all files, as often as they are there."""
        ids = [pq.read_table(path)["span_id"].to_pylist() for path in self.files()]
        return sorted(int(one, 16) for column in ids for one in column)

    def key(self) -> bytes:
        with closing(PollState.open(self.state_path)) as state:
            return state.last_key()
