"""One port, whatever the server can: it is asked, and what worked is remembered."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from indexer.errors import HotUnavailable
from tests.hot.servers import (
    IncrementalServer,
    Server,
    SnapshotServer,
    StreamServer,
    Wal,
    otlp_span,
    resource,
    serving,
    source,
    span_ids,
    until_answered,
    view_of,
)
from tests.support.fake_clock import FakeClock
from tests.support.span_files import Span, spans, write

DEAD_PORT = 1


def filled_wal() -> Wal:
    wal = Wal()
    wal.append(Span(span=1), Span(span=2))
    return wal


def stream_rows(*some: Span) -> list[tuple[bytes, bytes]]:
    return [
        (otlp_span(one).SerializeToString(), resource(one.service).SerializeToString())
        for one in some
    ]


def servers(root: Path) -> dict[str, Server]:
    return {
        "incremental": IncrementalServer(filled_wal()),
        "snapshot": SnapshotServer(write(root / "hot.parquet", spans(2))),
        "stream": StreamServer(*stream_rows(*spans(2))),
    }


@pytest.mark.parametrize(
    ("generation", "calls"),
    [
        ("incremental", ["ReadHot"]),
        ("snapshot", ["ReadHot", "PrepareHotSnapshot"]),
        ("stream", ["ReadHot", "PrepareHotSnapshot", "ReadSpans", "ReadSpans"]),
    ],
)
def test_each_generation_is_found_by_asking_and_then_remembered(
    tmp_path: Path, generation: str, calls: list[str]
) -> None:
    server = servers(tmp_path)[generation]
    with serving(server) as port, source(port, tmp_path) as one:
        assert one.chosen is None
        view = one.now()
        assert (view.source, one.chosen, span_ids(view)) == (generation, generation, [1, 2])
        assert view.bounded == (generation != "incremental")
        assert server.calls == calls
        server.calls.clear()
        assert span_ids(one.now()) == [1, 2]
        assert set(server.calls) == {calls[-1]}


@pytest.mark.parametrize("server", [IncrementalServer(), SnapshotServer(), StreamServer()])
def test_an_empty_success_means_that_nothing_is_hot(tmp_path: Path, server: Server) -> None:
    view = view_of(server, tmp_path)
    assert view.table.num_rows == 0
    assert {"trace_id", "span_id", "attributes"} <= set(view.table.column_names)
    assert view.problems == ()


def test_a_service_without_any_of_the_calls_is_no_hot_tier(tmp_path: Path) -> None:
    with pytest.raises(HotUnavailable, match="no call"):
        view_of(Server(), tmp_path)


def test_the_token_is_sent(tmp_path: Path) -> None:
    server = IncrementalServer()
    view_of(server, tmp_path, token="a secret")  # noqa: S106 - of a test
    view_of(server, tmp_path)
    assert server.tokens == ["a secret", None]


def test_a_dead_port_is_asked_once_and_then_left_alone(tmp_path: Path) -> None:
    """While it is not asked again yet nothing is sent, so an answer costs what raising costs."""
    clock = FakeClock()
    with source(DEAD_PORT, tmp_path, clock=clock) as one:
        with pytest.raises(HotUnavailable, match="UNAVAILABLE"):
            one.now()
        asked = _count_reads(one)
        for _ in range(100):
            with pytest.raises(HotUnavailable, match="not asked again yet"):
                one.now()
        assert asked == []
        clock.advance(60)
        with pytest.raises(HotUnavailable, match="UNAVAILABLE"):
            one.now()
        assert len(asked) == 1


def _count_reads(one) -> list[str]:
    asked: list[str] = []
    read = one._incremental.read

    def counted():
        asked.append("read")
        return read()

    one._incremental.read = counted
    return asked


def test_a_slow_server_costs_a_deadline(tmp_path: Path) -> None:
    server, done = IncrementalServer(), threading.Event()
    server.before = lambda: done.wait(100) and None
    limits = {"deadline_s": 1.0, "first_deadline_s": 1.0}
    with serving(server) as port, source(port, tmp_path, limits=limits) as one:
        with pytest.raises(HotUnavailable, match="DEADLINE_EXCEEDED"):
            one.now()
        with pytest.raises(HotUnavailable, match="not asked again yet"):
            one.now()
        done.set()
        assert len(server.calls) <= 1, "a busy machine may not have connected within the deadline"


def test_a_first_load_that_takes_long_is_not_waited_for(tmp_path: Path) -> None:
    """It goes on behind the queries, and they are told at once."""
    server, done, clock = IncrementalServer(filled_wal()), threading.Event(), FakeClock()
    server.before = lambda: done.wait(100) and None
    limits = {"deadline_s": 0.2, "first_deadline_s": 100.0}
    with serving(server) as port, source(port, tmp_path, clock=clock, limits=limits) as one:
        with pytest.raises(HotUnavailable, match="no hot spans within"):
            one.now()
        clock.advance(0.3)
        with pytest.raises(HotUnavailable, match="loading"):
            one.now()
        done.set()
        assert span_ids(until_answered(one, clock)) == [1, 2]
        assert server.asked[0] == (b"", "")


def test_a_server_that_comes_and_goes_is_found_again(tmp_path: Path) -> None:
    """With its log it continues where it was: nothing is sent twice."""
    clock, wal = FakeClock(), filled_wal()
    first = IncrementalServer(wal)
    with serving(first) as port:
        one_source = source(port, tmp_path, clock=clock)
        one = one_source.__enter__()
        assert span_ids(one.now()) == [1, 2]
    try:
        for _ in range(3):
            with pytest.raises(HotUnavailable):
                one.now()
            wal.append(Span(span=len(wal.requests) + 2))
            server = IncrementalServer(wal)
            with serving(server, port):
                view = until_answered(one, clock)
                assert span_ids(view) == list(range(1, len(wal.requests) + 2))
            assert server.asked[0][1] == "log-1"
            assert server.asked[0][0] != b""
    finally:
        one_source.__exit__(None, None, None)


def test_another_generation_after_a_restart_is_asked_anew(tmp_path: Path) -> None:
    clock = FakeClock()
    old, new = servers(tmp_path)["stream"], servers(tmp_path)["incremental"]
    with serving(old) as port:
        one_source = source(port, tmp_path, clock=clock)
        one = one_source.__enter__()
        assert one.now().source == "stream"
    try:
        with pytest.raises(HotUnavailable):
            one.now()
        assert one.chosen is None
        with serving(new, port):
            assert until_answered(one, clock).source == "incremental"
    finally:
        one_source.__exit__(None, None, None)


class Changing(IncrementalServer):
    """Forgets ReadHot, and learns it."""

    knows = True

    def ReadHot(self, request, context):  # noqa: N802 - gRPC names it
        if not self.knows:
            self.unknown("ReadHot", context)
        yield from super().ReadHot(request, context)

    def PrepareHotSnapshot(self, request, context):  # noqa: N802 - gRPC names it
        return SnapshotServer().PrepareHotSnapshot(request, context)


def test_a_server_that_forgets_a_call_is_asked_for_the_others(tmp_path: Path) -> None:
    """And for the better one again after a while."""
    server, clock = Changing(filled_wal()), FakeClock()
    with serving(server) as port, source(port, tmp_path, clock=clock) as one:
        assert one.now().source == "incremental"
        server.knows = False
        assert one.now().source == "snapshot"
        server.knows = True
        assert one.now().source == "snapshot"
        clock.advance(61)
        view = one.now()
        assert (view.source, span_ids(view)) == ("incremental", [1, 2])


def test_a_closed_source_says_so(tmp_path: Path) -> None:
    with source(DEAD_PORT, tmp_path) as one:
        one.close()
        with pytest.raises(HotUnavailable, match="closed"):
            one.now()
