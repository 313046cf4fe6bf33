"""The oldest generation: every span, answer after answer, and never a claim to be complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.errors import HotUnavailable
from indexer.wire.generated import ingestion_pb2 as wire
from tests.hot.servers import GARBAGE, StreamServer, key, otlp_span, resource, span_ids, view_of
from tests.support.span_files import Span, spans


def row(span: Span, resource_bytes: bytes | None = None) -> tuple[bytes, bytes]:
    stored = resource(span.service).SerializeToString()
    return otlp_span(span).SerializeToString(), stored if resource_bytes is None else resource_bytes


def test_all_answers_are_read_up_to_the_one_that_brings_nothing(tmp_path: Path) -> None:
    server = StreamServer(*map(row, spans(5)), batch=2)
    view = view_of(server, tmp_path)
    assert span_ids(view) == [1, 2, 3, 4, 5]
    assert view.bounded
    assert view.recent_files == ()
    assert server.calls.count("ReadSpans") == 4


def test_a_span_with_an_empty_resource_is_a_span(tmp_path: Path) -> None:
    view = view_of(StreamServer(row(Span(), resource_bytes=b"")), tmp_path)
    assert view.table["service_name"].to_pylist() == ["unknown_service"]


def test_rows_that_the_server_cannot_read_move_the_cursor(tmp_path: Path) -> None:
    """A whole answer of them is not the end."""
    rows = [row(Span(span=1)), (b"", b""), (b"", b""), (b"", b""), row(Span(span=5))]
    assert span_ids(view_of(StreamServer(*rows, batch=2), tmp_path)) == [1, 5]


def test_garbage_costs_its_own_span(tmp_path: Path) -> None:
    rows = [row(Span(span=1)), (GARBAGE, b""), row(Span(span=3)), row(Span(span=4), GARBAGE)]
    view = view_of(StreamServer(*rows, batch=4), tmp_path)
    assert span_ids(view) == [1, 3]
    assert view.problems == ("2 spans do not decode",)


def test_a_stream_beyond_the_limit_is_told(tmp_path: Path) -> None:
    view = view_of(StreamServer(*map(row, spans(5))), tmp_path, limits={"rows_max": 3})
    assert view.table.num_rows == 0
    assert view.problems[0].startswith("the stream is too large")


class Endless(StreamServer):
    def ReadSpans(self, request, context):  # noqa: N802 - gRPC names it
        yield wire.ReadSpansResponse(
            key_ulid=key(int.from_bytes(request.start_key_ulid, "big") + 1)
        )


def test_a_cursor_without_end_meets_the_deadline(tmp_path: Path) -> None:
    class Stepping:
        """Every look costs a tenth of a second."""

        now = 0.0

        def monotonic_s(self) -> float:
            self.now += 0.1
            return self.now

        def now_unix_nano(self) -> int:
            return 0

    with pytest.raises(HotUnavailable, match="DEADLINE_EXCEEDED"):
        view_of(Endless(), tmp_path, clock=Stepping())
