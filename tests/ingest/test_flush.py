"""Requests leave the log when their file is durable, and in one file, whatever happens between."""

import logging
import threading

import pytest

from indexer.errors import RefusedFull, WalBusy
from indexer.ingest import flush, range_file
from indexer.ingest.layout import span_file
from indexer.ingest.range_file import write_range
from indexer.otlp.spans import span_table
from indexer.system import retry
from indexer.system.retry import Backoff
from tests.ingest.bodies import UNDECODABLE, append, body, files_below, numbers_in, pending
from tests.support.processes import wait_until


def test_nothing_is_due_at_first(make_flusher, wal, root):
    flusher = make_flusher()
    assert flusher.flush_due() == []
    append(wal, body(0))
    assert flusher.flush_due() == []
    assert not root.exists()


def test_rows_make_a_flush_due(make_flusher, wal):
    flusher = make_flusher(rows=10)
    append(wal, body(0, 9), span_count=9)
    assert flusher.flush_due() == []
    append(wal, body(1))
    (done,) = flusher.flush_due()
    assert (done.span_count, done.refused_count) == (10, 0)
    assert pending(wal) == []


def test_bytes_make_a_flush_due(make_flusher, wal):
    flusher = make_flusher(bytes=3 * len(body(0)))
    append(wal, body(0), body(1))
    assert flusher.flush_due() == []
    append(wal, body(2))
    assert len(flusher.flush_due()) == 1


def test_age_makes_a_flush_due(make_flusher, wal, clock):
    flusher = make_flusher(age_s=60)
    append(wal, body(0))
    clock.advance(59)
    assert flusher.flush_due() == []
    clock.advance(2)
    assert len(flusher.flush_due()) == 1


def test_age_counts_also_when_the_wall_clock_stepped_back(make_flusher, wal, clock):
    flusher = make_flusher(age_s=60)
    append(wal, body(0))
    clock.step_wall(-86_400)
    assert flusher.flush_due() == []
    clock.advance(61)
    assert len(flusher.flush_due()) == 1


def test_a_file_is_listed_until_it_is_confirmed(make_flusher, wal, root):
    keys = append(wal, body(0), body(1, 3))
    (done,) = make_flusher().flush_all()
    assert done.path == str(span_file(root, keys[0], keys[1]))
    state = wal.state()
    assert [(file.path, file.span_count) for file in state.recent_files] == [(done.path, 4)]
    assert state.flushed_key == keys[1]
    wal.confirm([done.path])
    assert wal.state().recent_files == ()


def test_a_backlog_becomes_several_files(make_flusher, wal, root):
    append(wal, *(body(number, 4) for number in range(10)), span_count=4)
    files = make_flusher(rows=12).flush_all()
    assert [file.span_count for file in files] == [12, 12, 12, 4]
    found = [numbers_in(path) for path in files_below(root)]
    assert sorted(number for one in found for number in one) == sorted(list(range(10)) * 4)


def test_a_request_larger_than_a_file_may_be_is_a_file(make_flusher, wal):
    append(wal, body(0, 50), body(1, 50), span_count=50)
    assert [file.span_count for file in make_flusher(rows=10).flush_all()] == [50, 50]


def test_requests_without_spans_leave_no_file(make_flusher, wal, root):
    append(wal, b"", span_count=0)
    (done,) = make_flusher().flush_all()
    assert done.path is None
    assert pending(wal) == []
    assert wal.state().recent_files == ()
    assert not root.exists()


@pytest.mark.parametrize("others", [0, 3])
def test_a_request_that_does_not_decode_is_kept_and_told(make_flusher, wal, root, caplog, others):
    """It must not keep the others in the log for ever, nor be lost."""
    caplog.set_level(logging.ERROR, logger="indexer")
    bad = append(wal, UNDECODABLE)[0]
    append(wal, *(body(number) for number in range(others)))
    (done,) = make_flusher().flush_all()
    assert (done.span_count, done.refused_count) == (others, 1)
    kept = wal.path.with_name(wal.path.name + ".refused") / f"{bad.hex()}.otlp"
    assert kept.read_bytes() == UNDECODABLE
    assert [record.event for record in caplog.records] == ["request.refused"]
    assert str(kept) in caplog.text
    assert len(files_below(root)) == (1 if others else 0)


def test_without_room_for_the_refused_the_log_keeps_all(make_flusher, wal, root, monkeypatch):
    """It is told, nothing is deleted, and with room it goes on."""
    monkeypatch.setattr(range_file, "REFUSED_BYTES_MAX", 0)
    append(wal, body(0), UNDECODABLE)
    with pytest.raises(RefusedFull):
        make_flusher().flush_all()
    assert len(pending(wal)) == 2
    monkeypatch.undo()
    (done,) = make_flusher().flush_all()
    assert (done.span_count, done.refused_count) == (1, 1)


def test_a_crash_after_the_rename_repeats_the_same_file(make_flusher, wal, root, monkeypatch):
    """Also when more has arrived since, and with other limits."""
    keys = append(wal, body(0), body(1))

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(wal, "mark_flushed", killed)
        with pytest.raises(Killed):
            make_flusher().flush_all()
    (path,) = files_below(root)
    first = path.read_bytes()
    assert len(pending(wal)) == 2
    append(wal, body(2))
    files = make_flusher(rows=1).flush_due()
    assert files[0].path == str(path)
    assert path.read_bytes() == first
    assert wal.state().flushed_key > keys[1]
    assert sorted(n for one in files_below(root) for n in numbers_in(one)) == [0, 1, 2]
    assert [file.span_count for file in files] == [2, 1]


def test_a_begun_flush_is_due_at_once(make_flusher, wal, root):
    keys = append(wal, body(0), body(1))
    wal.flushing(keys[0], keys[0])
    (done,) = make_flusher().flush_due()
    assert done.path == str(span_file(root, keys[0], keys[0]))
    assert [key for key, _ in pending(wal)] == keys[1:]


def test_a_file_that_cannot_be_written_leaves_the_log_as_it_is(make_flusher, wal, root):
    append(wal, body(0))
    root.write_text("a file where the folder should be")
    with pytest.raises(OSError):
        make_flusher().flush_all()
    assert len(pending(wal)) == 1
    root.unlink()
    assert make_flusher().flush_all()[0].span_count == 1


def test_flush_all_ends_while_more_arrives(make_flusher, wal, monkeypatch):
    """It writes what was acknowledged before the call, though each flush brings another request."""
    append(wal, body(0), body(1))
    mark_flushed = wal.mark_flushed

    def arriving(*arguments):
        mark_flushed(*arguments)
        append(wal, body(9))

    monkeypatch.setattr(wal, "mark_flushed", arriving)
    assert len(make_flusher(rows=1).flush_all()) == 2
    assert len(pending(wal)) == 2


@pytest.mark.parametrize("failures", [0, 2_000])
def test_it_flushes_by_itself_and_survives_failures(
    make_flusher, wal, root, monkeypatch, caplog, failures
):
    """However many there were before: two to their power is beyond what a pause can be."""
    monkeypatch.setattr(flush, "CHECK_S", 0.01)
    monkeypatch.setattr(retry, "FLUSH", Backoff(0.01, 0.02))
    append(wal, body(0))
    root.write_text("in the way")
    flusher = make_flusher(rows=1)
    flusher._failures = failures
    flusher.start()
    try:
        _wait(lambda: "flush failed" in caplog.text)
        root.unlink()
        _wait(lambda: not pending(wal))
    finally:
        flusher.stop()
    append(wal, body(1))
    assert len(pending(wal)) == 1


def test_a_log_without_requests_is_not_asked_what_is_due(make_flusher, wal, monkeypatch):
    monkeypatch.setattr(flush, "CHECK_S", 0.01)
    asked = threading.Event()
    flusher = make_flusher(rows=1)
    flush_due = flusher.flush_due
    monkeypatch.setattr(flusher, "flush_due", lambda: asked.set() or flush_due())
    flusher.start()
    try:
        assert not wal.holds_requests
        assert not asked.wait(0.1)
        append(wal, body(0))
        assert asked.wait(60)
        _wait(lambda: not wal.holds_requests)
    finally:
        flusher.stop()


def test_starting_removes_what_a_killed_process_left(make_flusher, root):
    leftover = root / "year=2026" / ".20261118_110640_0123456789abcdef.parquet.7.tmp"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"PAR1")
    flusher = make_flusher()
    flusher.start()
    flusher.stop()
    assert files_below(root) == []


def test_a_real_process_writes_the_file(make_flusher, wal, root, spawned):
    append(wal, *(body(number) for number in range(100)), UNDECODABLE)
    (done,) = make_flusher(process=spawned).flush_all()
    assert (done.span_count, done.refused_count) == (100, 1)
    assert sorted(numbers_in(files_below(root)[0])) == list(range(100))


def test_a_range_that_somebody_else_flushed_writes_nothing(wal, root, make_flusher):
    """A process left over from a killed service must not replace a whole file by a part of it."""
    keys = append(wal, body(0), body(1))
    planned = wal.next_range(rows_max=100, bytes_max=10**6)
    make_flusher().flush_all()
    (path,) = files_below(root)
    before = path.read_bytes()
    with pytest.raises(WalBusy, match="only 0 of the 2"):
        write_range(wal.path, planned, span_file(root, *keys), span_table)
    assert path.read_bytes() == before


def _wait(condition, deadline_s=100):
    wait_until(condition, "the flusher's thread", deadline_s=deadline_s)
