"""Spans of a remote service become files once each, whatever the service or this process does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

from indexer.errors import HotUnavailable
from indexer.ingest.flush import Flusher
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.poll_state import PollState
from indexer.ingest.service import InternalIngestion, internal_server
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from indexer.run import poller as poll_module
from indexer.run.poller import Poller
from indexer.telemetry.log import LOGGER
from indexer.wire.generated import ingestion_pb2 as wire
from tests.hot.servers import GARBAGE, Server, serving
from tests.ingest.bodies import body, files_below
from tests.support.grpc_ports import started
from tests.support.upstream import RESOURCE, Place, Upstream, span_bytes, ulid


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def drained(poller: Poller) -> int:
    """Batches until one was not full."""
    batches = 1
    while poller.poll() == 0.0:
        batches += 1
    return batches


def test_every_span_is_in_a_file_once_and_the_key_is_saved(place):
    upstream = Upstream(25)
    with serving(upstream) as port, place.poller(port) as poller:
        assert drained(poller) == 3
    assert place.numbers() == list(range(1, 26))
    assert sorted(pq.read_table(path).num_rows for path in place.files()) == [5, 10, 10]
    assert place.key() == ulid(25)
    assert upstream.tokens[0] == "token"


def test_a_file_is_of_the_day_of_its_first_key(place):
    with serving(Upstream(1)) as port, place.poller(port) as poller:
        poller.poll()
    (path,) = place.files()
    assert path.relative_to(place.root).parts[:3] == ("year=2026", "month=09", "day=21")


def test_after_a_restart_it_goes_on_where_it_was(place):
    upstream = Upstream(4)
    with serving(upstream) as port:
        with place.poller(port) as poller:
            poller.poll()
        upstream.add(3)
        with place.poller(port) as poller:
            poller.poll()
    assert [start for start, _ in upstream.asked] == [b"", ulid(4)]
    assert place.numbers() == [1, 2, 3, 4, 5, 6, 7]


def test_with_nothing_new_nothing_is_written(place):
    with serving(Upstream()) as port, place.poller(port) as poller:
        assert poller.poll() is None
    assert place.files() == []
    assert place.key() == b""


def test_a_message_without_a_span_moves_only_the_key(place):
    """Rows that the service cannot read are passed by, alone and among others."""
    upstream = Upstream(5)
    upstream.rows |= {2: None, 6: None, 7: None}
    with serving(upstream) as port, place.poller(port, size=5) as poller:
        drained(poller)
        assert poller.poll() is None
    assert place.numbers() == [1, 3, 4, 5]
    assert place.key() == ulid(7)
    assert len(place.files()) == 1


def test_a_span_with_an_empty_resource_is_a_span(place):
    upstream = Upstream(1)
    upstream.rows[2] = (span_bytes(2), b"")
    with serving(upstream) as port, place.poller(port) as poller:
        poller.poll()
    (path,) = place.files()
    assert pq.read_table(path)["service_name"].to_pylist() == ["shop", "unknown_service"]


def test_an_answer_that_breaks_off_is_asked_for_again(place):
    """Nothing of it is written, the key stays, and the next try is smaller."""
    upstream = Upstream(8)
    upstream.breaks_after = 3
    with serving(upstream) as port, place.poller(port, size=8) as poller:
        assert poller.poll() > 0.5
        assert place.files() == []
        assert poller.poll() > 1.0
        upstream.breaks_after = None
        drained(poller)
        assert poller.poll() is None
    assert upstream.asked[:3] == [(b"", 8), (b"", 4), (b"", 2)]
    assert place.numbers() == list(range(1, 9))


def test_a_file_that_cannot_be_written_keeps_the_key(place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with serving(Upstream(3)) as port, place.poller(port) as poller:
        with monkeypatch.context() as disk:
            disk.setattr(poll_module, "write_span_file", full)
            assert poller.poll() > 0.5
            assert place.files() == []
        drained(poller)
        poller.poll()
    assert place.numbers() == [1, 2, 3]


class Crash(BaseException):
    """The process ends here."""


def crash_at_the_key(monkeypatch):
    def crash(*_):
        raise Crash

    monkeypatch.setattr(PollState, "finish", crash)


@pytest.mark.parametrize("happens", ["nothing", "more arrive", "some are deleted"])
def test_a_crash_between_the_file_and_its_key_doubles_nothing(place, monkeypatch, happens):
    """Also when the service would answer otherwise by now: the file is there, so it is done."""
    upstream = Upstream(6)
    with serving(upstream) as port:
        with monkeypatch.context() as crash, place.poller(port) as poller:
            crash_at_the_key(crash)
            with pytest.raises(Crash):
                poller.poll()
        (before,) = place.files()
        written = (before.stat().st_ino, before.stat().st_mtime_ns)
        if happens == "more arrive":
            upstream.add(2)
        if happens == "some are deleted":
            upstream.rows = {number: upstream.rows[number] for number in (5, 6)}
        with place.poller(port) as poller:
            drained(poller)
    assert place.numbers() == list(range(1, 9 if happens == "more arrive" else 7))
    assert (before.stat().st_ino, before.stat().st_mtime_ns) == written
    assert upstream.asked[1][0] == ulid(6)


def test_a_crash_before_the_file_has_its_name_reads_the_batch_again(place, monkeypatch):
    def crash(*_):
        raise Crash

    upstream = Upstream(6)
    with serving(upstream) as port:
        with monkeypatch.context() as at, place.poller(port) as poller:
            at.setattr(poll_module, "write_span_file", crash)
            with pytest.raises(Crash):
                poller.poll()
        upstream.add(1)
        with place.poller(port) as poller:
            drained(poller)
    assert [start for start, _ in upstream.asked] == [b"", b""]
    assert place.numbers() == list(range(1, 8))


def test_a_repeated_batch_takes_the_place_of_its_file(place):
    """A state that was lost begins anew; the same range has the same name."""
    with serving(Upstream(6)) as port:
        with place.poller(port) as poller:
            poller.poll()
        place.state_path.unlink()
        with place.poller(port) as poller:
            poller.poll()
    assert place.numbers() == list(range(1, 7))


def test_a_key_that_is_not_saved_is_saved_by_the_next_try(place, monkeypatch):
    def refused(*_):
        raise sqlite3.OperationalError("disk is full")

    upstream = Upstream(3)
    with serving(upstream) as port, place.poller(port) as poller:
        with monkeypatch.context() as disk:
            disk.setattr(PollState, "finish", refused)
            assert poller.poll() > 0.5
            assert poller.poll() > 0.5
        assert poller.poll() is None
    assert len(upstream.asked) == 2
    assert place.numbers() == [1, 2, 3]


def test_spans_that_are_deleted_before_they_are_read_are_jumped_over(place):
    upstream = Upstream(9)
    with serving(upstream) as port, place.poller(port, size=3) as poller:
        poller.poll()
        upstream.rows = {number: row for number, row in upstream.rows.items() if number > 7}
        drained(poller)
    assert place.numbers() == [1, 2, 3, 8, 9]


def test_a_span_that_cannot_be_a_row_is_kept_beside_the_state(place, caplog, monkeypatch):
    monkeypatch.setattr(LOGGER, "propagate", True)
    upstream = Upstream(2)
    nameless = OtlpSpan(name="no ids").SerializeToString()
    upstream.rows |= {3: (GARBAGE, RESOURCE), 4: (span_bytes(4), GARBAGE), 5: (nameless, b"")}
    upstream.add(1)
    with serving(upstream) as port, place.poller(port) as poller:
        poller.poll()
    assert place.numbers() == [1, 2, 6]
    kept = {
        path.name: wire.ReadSpansResponse.FromString(path.read_bytes())
        for path in files_below(place.refused)
    }
    assert sorted(kept) == [f"{ulid(number).hex()}.pb" for number in (3, 4, 5)]
    assert kept[f"{ulid(3).hex()}.pb"].span_bytes == GARBAGE
    assert kept[f"{ulid(4).hex()}.pb"].resource_bytes == GARBAGE
    told = {record.getMessage() for record in caplog.records if record.event == "span.refused"}
    assert len(told) == 3
    assert sum("no valid trace_id" in one for one in told) == 1
    assert place.key() == ulid(6)


def test_a_batch_of_nothing_but_such_spans_moves_the_key(place):
    upstream = Upstream()
    upstream.rows = {1: (GARBAGE, b"")}
    with serving(upstream) as port, place.poller(port) as poller:
        drained(poller)
    assert place.files() == []
    assert len(files_below(place.refused)) == 1
    assert place.key() == ulid(1)


def test_a_batch_is_bounded_in_bytes_too(place, monkeypatch):
    monkeypatch.setattr(poll_module, "BATCH_BYTES_MAX", 2 * len(span_bytes(1) + RESOURCE))
    with serving(Upstream(5)) as port, place.poller(port) as poller:
        assert drained(poller) == 3
    assert place.numbers() == [1, 2, 3, 4, 5]


def test_a_span_without_a_key_is_no_answer(place):
    def nonsense(*_):
        yield wire.ReadSpansResponse(span_bytes=span_bytes(1))

    with closing(PollState.open(place.state_path)) as state:
        poller = Poller(nonsense, state, place.root, place.refused, size=1)
        with pytest.raises(HotUnavailable):
            poller.take_batch(1)


def test_a_service_without_the_call_is_asked_again_later(place):
    with serving(Server()) as port, place.poller(port) as poller:
        with pytest.raises(HotUnavailable, match="no ReadSpans"):
            poller.take_batch(1)
        assert poller.poll() > 0.5


def test_our_own_ingestion_is_polled_to_the_last_span(place, tmp_path):
    """With keys of 20 bytes, across a request that does not decode, while more arrive."""
    with (
        closing(Wal.open(tmp_path / "wal" / "log.sqlite")) as wal,
        closing(WriterProcess()) as process,
    ):
        flusher = Flusher(wal, tmp_path / "theirs", process)
        snapshots = HotSnapshots(wal, tmp_path / "snapshots", process)
        service = InternalIngestion(wal, flusher, snapshots)
        server = internal_server(service, token="token")  # noqa: S106 - of this test alone
        port = started(server)
        for one in (body(0, 7), b"\xff\xff\xff", body(1, 7, service="")):
            wal.append(one, 7).result(100)
        with place.poller(port, size=5) as poller:
            drained(poller)
            wal.append(body(2, 3), 3).result(100)
            drained(poller)
        server.stop(0).wait()
    tables = [pq.read_table(path, columns=["trace_id", "span_id"]) for path in place.files()]
    rows = [row for table in tables for row in table.to_pylist()]
    found = sorted((int(row["trace_id"], 16), int(row["span_id"], 16)) for row in rows)
    wanted = [
        (trace, span) for trace, count in ((1, 7), (2, 7), (3, 3)) for span in range(1, count + 1)
    ]
    assert found == wanted
