"""Only what is new is asked for, and what the server says of it is checked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from indexer.errors import HotUnavailable
from indexer.wire.generated import ingestion_pb2 as wire
from tests.hot.servers import (
    GARBAGE,
    IncrementalServer,
    Wal,
    key,
    serving,
    source,
    span_ids,
    until_answered,
    view_of,
)
from tests.support.fake_clock import FakeClock
from tests.support.span_files import Span, spans, write


def test_a_refresh_asks_for_what_came_after_the_newest_key(tmp_path: Path) -> None:
    server = IncrementalServer()
    server.wal.append(Span(span=1))
    with serving(server) as port, source(port, tmp_path) as one:
        assert span_ids(one.now()) == [1]
        server.wal.append(Span(span=2), Span(span=3))
        view = one.now()
        assert span_ids(view) == [1, 2, 3]
        assert view.as_of_unix_nano == 7
        assert one.now().table is not None
        assert server.asked == [(b"", ""), (key(1), "log-1"), (key(2), "log-1")]


def test_flushed_requests_leave_and_their_files_are_named_newest_first(tmp_path: Path) -> None:
    server = IncrementalServer()
    server.wal.append(Span(span=1))
    server.wal.append(Span(span=2))
    with serving(server) as port, source(port, tmp_path) as one:
        one.now()
        old, new = (write(tmp_path / f"{name}.parquet", spans(1)) for name in "ab")
        server.wal.flush(str(old), upto=key(1))
        server.wal.files.append(str(new))
        view = one.now()
        assert span_ids(view) == [2]
        assert view.recent_files == (str(new), str(old))
        assert not view.bounded


def test_another_log_replaces_everything(tmp_path: Path) -> None:
    """Its keys may be the same ones."""
    server = IncrementalServer()
    server.wal.append(Span(span=1))
    server.wal.append(Span(span=2))
    with serving(server) as port, source(port, tmp_path) as one:
        one.now()
        server.wal.restart("log-2")
        assert span_ids(one.now()) == []
        server.wal.append(Span(span=3))
        assert span_ids(one.now()) == [3]


def test_an_answer_that_breaks_off_is_continued(tmp_path: Path) -> None:
    """What it brought of the same log is not asked for again."""
    clock, server = FakeClock(), IncrementalServer(per_message=1)
    server.wal.append(Span(span=1))
    with serving(server) as port, source(port, tmp_path, clock=clock) as one:
        one.now()
        for number in range(2, 6):
            server.wal.append(Span(span=number))
        server.breaks_after = 2
        with pytest.raises(HotUnavailable):
            one.now()
        server.breaks_after = None
        assert span_ids(until_answered(one, clock)) == [1, 2, 3, 4, 5]
        assert server.asked[-1] == (key(3), "log-1")


def test_another_log_that_loads_slowly_is_loaded_with_patience(tmp_path: Path) -> None:
    """The first answer meets the short deadline; the next one may take what a first load may."""
    clock, server, delays_s = FakeClock(), IncrementalServer(), iter([0.0, 1.5, 1.5])
    server.before = lambda: time.sleep(next(delays_s, 0.0))
    server.wal.append(Span(span=1))
    limits = {"deadline_s": 0.6, "first_deadline_s": 100.0}
    with serving(server) as port, source(port, tmp_path, clock=clock, limits=limits) as one:
        one.now()
        server.wal.restart("log-2")
        server.wal.append(Span(span=2))
        with pytest.raises(HotUnavailable, match="DEADLINE_EXCEEDED"):
            one.now()
        assert span_ids(until_answered(one, clock)) == [2]
        asked = [wal_id for _, wal_id in server.asked]
        assert asked[:3] == ["", "log-1", "log-1"]
        assert set(asked[3:]) == {"log-2"}


def test_files_outside_the_root_are_told_and_not_named(tmp_path: Path) -> None:
    root, outside = tmp_path / "spans", tmp_path / "other" / "x.parquet"
    root.mkdir()
    write(outside, spans(1))
    (root / "link.parquet").symlink_to(outside)
    good = write(root / "a.parquet", spans(1))
    server = IncrementalServer()
    server.wal.files += [
        str(outside),
        f"{root}/../other/x.parquet",
        str(root / "link.parquet"),
        "a.parquet",
        str(root),
        str(good),
    ]
    view = view_of(server, root)
    assert view.recent_files == (str(good),)
    assert view.problems[0].startswith("5 recent files are not regular files")


def test_garbage_costs_its_own_request_and_is_told(tmp_path: Path) -> None:
    wal = Wal()
    wal.append(Span(span=1))
    wal.append(raw=GARBAGE)
    wal.append(Span(span=3))
    server = IncrementalServer(wal, per_message=3)
    with serving(server) as port, source(port, tmp_path) as one:
        view = one.now()
        assert span_ids(view) == [1, 3]
        assert view.problems == (f"1 export request does not decode, the first is {key(2).hex()}",)
        wal.flush(upto=key(2))
        assert one.now().problems == ()


def test_a_message_over_the_limit_is_refused(tmp_path: Path) -> None:
    wal = Wal()
    wal.append(Span(name="x" * 10_000))
    with pytest.raises(HotUnavailable, match="RESOURCE_EXHAUSTED"):
        view_of(IncrementalServer(wal), tmp_path, limits={"message_bytes_max": 5_000})


class Odd(IncrementalServer):
    def __init__(self, *messages: wire.ReadHotResponse) -> None:
        super().__init__()
        self.messages = messages

    def ReadHot(self, request, context):  # noqa: N802 - gRPC names it
        yield from self.messages


def odd_keys(*keys: bytes) -> wire.ReadHotResponse:
    return wire.ReadHotResponse(requests=[wire.HotRequest(key=one) for one in keys])


@pytest.mark.parametrize(
    "messages",
    [
        (),
        (odd_keys(key(1)),),
        (wire.ReadHotResponse(state=wire.HotState()),),
        (odd_keys(key(2), key(1)),),
        (odd_keys(key(1)), odd_keys(key(1))),
        (odd_keys(b"short"),),
    ],
    ids=["nothing", "no state", "no log", "descending", "repeated", "short key"],
)
def test_an_answer_against_the_protocol_is_refused(
    tmp_path: Path, messages: tuple[wire.ReadHotResponse, ...]
) -> None:
    with pytest.raises(HotUnavailable):
        view_of(Odd(*messages), tmp_path)


def test_a_server_that_keeps_requests_back_makes_no_complete_view(tmp_path: Path) -> None:
    state = wire.HotState(wal_id="log", newest_key=key(9), flushed_key=key(3))
    view = view_of(Odd(wire.ReadHotResponse(state=state)), tmp_path)
    assert view.problems == ("the ingestion service holds newer export requests than it sent",)


def test_while_the_log_has_not_changed_the_service_is_not_asked_again(tmp_path: Path) -> None:
    """The view is of the moment of the question all the same."""
    server, clock, counts = IncrementalServer(), FakeClock(), {"log-1": 1}
    server.wal.append(Span(span=1))
    with serving(server) as port, source(port, tmp_path, clock=clock, counted=counts.get) as one:
        one.now()
        one.now()
        asked = len(server.asked)
        clock.advance(1)
        view = one.now()
        assert len(server.asked) == asked
        assert span_ids(view) == [1]
        assert view.as_of_unix_nano == clock.now_unix_nano()
        server.wal.append(Span(span=2))
        counts["log-1"] += 1
        assert span_ids(one.now()) == [1, 2]


@pytest.mark.parametrize("count", [None, 2], ids=["its process is gone", "it changes meanwhile"])
def test_a_state_that_may_be_another_by_now_is_not_taken_for_the_present_one(
    tmp_path: Path, count: int | None
) -> None:
    server, looks = IncrementalServer(), iter([1, count] * 20)
    with serving(server) as port, source(port, tmp_path, counted=lambda _: next(looks)) as one:
        for number in range(1, 4):
            server.wal.append(Span(span=number))
            assert span_ids(one.now()) == list(range(1, number + 1))


def test_a_view_that_lacks_something_is_asked_for_again(tmp_path: Path) -> None:
    server = IncrementalServer()
    server.wal.append(raw=b"\xff\xff")
    with serving(server) as port, source(port, tmp_path, counted=lambda _: 1) as one:
        for _ in range(3):
            assert one.now().problems
        assert len(server.asked) == 3


def test_an_outline_has_the_state_and_a_sample_and_frees_what_is_held(tmp_path: Path) -> None:
    server = IncrementalServer()
    for number in range(1, 4):
        server.wal.append(Span(span=number))
    with serving(server) as port, source(port, tmp_path) as one:
        one.now()
        file = write(tmp_path / "a.parquet", spans(1))
        server.wal.flush(str(file), upto=key(1))
        bare, sampled = (one.outline(with_sample=some) for some in (False, True))
        assert not len(bare.sample)
        assert one._incremental._buffer.nbytes == 0
        assert list(sampled.sample.span_id) == [2, 3]
        assert (sampled.wal_id, sampled.sampled_key) == ("log-1", key(3))
        for outline in (bare, sampled):
            assert (outline.newest_key, outline.flushed_key) == (key(3), key(1))
            assert (outline.span_count, outline.recent_files) == (2, (str(file),))
        assert span_ids(one.now()) == [2, 3]


def test_a_sample_leaves_out_what_does_not_decode(tmp_path: Path) -> None:
    server = IncrementalServer(per_message=3)
    server.wal.append(Span(span=1))
    server.wal.append(raw=GARBAGE)
    server.wal.append(Span(span=3))
    with serving(server) as port, source(port, tmp_path) as one:
        outline = one.outline(with_sample=True)
    assert list(outline.sample.span_id) == [1, 3]
    assert outline.sampled_key == key(3)
