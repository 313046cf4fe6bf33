"""The spans of OTLP files reach an OTLP address, each acknowledged, however often it was busy."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from indexer.errors import QueryRefused, TransientError
from indexer.otlp.spans import span_table
from indexer.run import otlp_sender
from indexer.run.otlp_sender import OtlpAddress, send_file
from tests.hot.servers import body
from tests.support.otlp_samples import FOLDER
from tests.support.span_files import spans

TRACES = FOLDER / "traces_simple.jsonl"
TOKEN = "some"  # noqa: S105 - of a test
Sleeps = list[float]


class Door:
    """An OTLP address that answers what a test says, and then takes everything."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.taken: list[bytes] = []
        self.heads: list[tuple[str, str | None]] = []
        self.port = 0


@contextmanager
def door(*answers: tuple[int, bytes]) -> Iterator[Door]:
    here = Door(*answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            here.heads.append((self.path, self.headers["Authorization"]))
            status, said = here.answers.pop(0) if here.answers else (200, b"")
            if status == 200:
                here.taken.append(content)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Not on standard error."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        here.port = server.server_port
        serving = Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield here
        finally:
            server.shutdown()
            serving.join()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other without a pause of their own."""
    monkeypatch.setattr(otlp_sender.retry, "SEND", otlp_sender.retry.AT_ONCE)


def address(here: Door, sleep: Callable[[float], None] = lambda _: None) -> OtlpAddress:
    return OtlpAddress(f"http://127.0.0.1:{here.port}/", token=TOKEN, sleep=sleep)


def test_every_span_of_a_file_is_sent(tmp_path: Path) -> None:
    """Compressed too; with the token and to the path of traces."""
    packed = tmp_path / "traces"
    packed.write_bytes(gzip.compress(TRACES.read_bytes()))
    with door() as here:
        sent = [send_file(str(one), address(here), lambda _: None) for one in (TRACES, packed)]
    assert [(one.spans, one.rejected) for one in sent] == [(3, 0), (3, 0)]
    assert span_table(here.taken).num_rows == 6
    assert set(here.heads) == {("/v1/traces", f"Bearer {TOKEN}")}


def test_records_of_other_signals_are_passed_over() -> None:
    with door() as here:
        sent = send_file(str(FOLDER / "logs_simple.binpb"), address(here), lambda _: None)
    assert (sent.spans, here.taken) == (0, [])


@pytest.mark.usefixtures("at_once")
def test_a_busy_address_is_asked_again_when_it_wants() -> None:
    slept: Sleeps = []
    with door((503, b""), (429, b"")) as here:
        sent = send_file(str(TRACES), address(here, slept.append), lambda _: None)
    assert (sent.spans, slept) == (3, [7.0, 7.0])


def test_what_is_refused_for_good_is_said_and_not_sent_again() -> None:
    said = Status(message="no such token").SerializeToString()
    with door((401, said)) as here, pytest.raises(QueryRefused, match="401: no such token"):
        send_file(str(TRACES), address(here), lambda _: None)
    assert len(here.heads) == 1


@pytest.mark.usefixtures("at_once")
def test_an_address_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_sender, "LASTING_S", 0.0)
    with door() as here:
        gone = address(here)
    with pytest.raises(TransientError, match="does not answer"):
        send_file(str(TRACES), gone, lambda _: None)


def test_rejected_spans_are_counted_with_the_first_reason() -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "no trace id"
    with door((200, answer.SerializeToString())) as here:
        sent = send_file(str(TRACES), address(here), lambda _: None)
    assert (sent.spans, sent.rejected, sent.reason) == (3, 2, "no trace id")


def test_a_large_file_is_sent_in_parts(tmp_path: Path) -> None:
    file = tmp_path / "traces.binpb"
    file.write_bytes(body(*spans(20_000)))
    with door() as here:
        seen: list[int] = []
        sent = send_file(str(file), address(here), lambda one: seen.append(one.spans))
    assert sent.spans == seen[-1] == 20_000
    assert len(here.taken) > 1
    assert all(ExportTraceServiceRequest.FromString(one).resource_spans for one in here.taken)


@pytest.mark.parametrize("text", ["ftp://host", "http://", "://"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(QueryRefused, match="invalid OTLP address"):
        OtlpAddress(text, sleep=lambda _: None)
