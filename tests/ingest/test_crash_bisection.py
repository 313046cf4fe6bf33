"""A request that kills whoever decodes it costs itself alone, and is kept."""

import logging
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing

import pytest

from indexer.ingest import writer_process
from indexer.ingest.crash_bisection import deadly_requests
from indexer.ingest.range_file import DEADLY, refused_folder
from indexer.ingest.writer_process import WriterProcess
from tests.ingest.bodies import (
    POISON,
    UNDECODABLE,
    append,
    body,
    files_below,
    fragile,
    numbers_in,
    pending,
    poisoned,
)

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def one_try(monkeypatch):
    """A process takes a second to start, and each death needs another one."""
    monkeypatch.setattr(writer_process, "TRIES", 1)


def test_a_deadly_request_is_set_aside_and_the_others_become_a_file(
    make_flusher, wal, root, caplog
):
    caplog.set_level(logging.ERROR, logger="indexer")
    before = append(wal, *(body(number) for number in range(3)), UNDECODABLE)
    poison = body(3, service=POISON)
    (deadly,) = append(wal, poison)
    after = append(wal, body(4), body(5))
    with closing(WriterProcess()) as process:
        (done,) = make_flusher(process=process, decode=poisoned).flush_all()
    assert (done.span_count, done.refused_count) == (5, 2)
    assert pending(wal) == []
    (path,) = files_below(root)
    assert Counter(numbers_in(path)) == Counter([0, 1, 2, 4, 5])
    kept = refused_folder(wal.path) / f"{deadly.hex()}.otlp"
    assert kept.read_bytes() == poison
    assert {record.event for record in caplog.records} == {"request.refused"}
    assert f"{kept}: {DEADLY}" in caplog.text
    assert wal.state().flushed_key == after[-1] > before[0]


def test_several_deadly_requests_are_all_found(wal):
    keys = append(wal, *(body(n, service=POISON if n in {0, 3} else "shop") for n in range(4)))
    planned = wal.next_range(rows_max=100, bytes_max=10**6)
    assert deadly_requests(wal.path, planned, poisoned) == {keys[0], keys[3]}


def test_requests_that_kill_only_together_are_nobodys_fault(make_flusher, wal):
    """Nothing is set aside for that: the flush is tried again, and the log keeps them."""
    append(wal, body(0), body(1), body(2))
    with closing(WriterProcess()) as process, pytest.raises(BrokenProcessPool):
        make_flusher(process=process, decode=fragile).flush_all()
    assert len(pending(wal)) == 3
    assert not refused_folder(wal.path).exists()
