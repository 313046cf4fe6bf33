"""A read ends when nobody waits for it, and a store that DuckDB has given up is opened again."""

import asyncio
import threading

import duckdb
import pytest

from indexer.errors import CatalogUnavailable, CatalogWriteFailed, QueryCancelled
from indexer.mastra.call_threads import CallThreads
from indexer.mastra.interruption import reads_within
from indexer.mastra.store import DuckDBStore
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.query.deadline import Deadline
from indexer.system.duckdb_interruption import Interruption
from tests.mastra.samples import new_trace, span

pytestmark = pytest.mark.duckdb
ENDLESS = "SELECT count(*) FROM range(1_000_000_000) AS a (x), range(1_000_000_000) AS b (y)"


@pytest.fixture
def store(tmp_path):
    made = SyncDuckDBStore(tmp_path / "spans.duckdb", threads=1)
    made.init()
    yield made
    made.close()


def endless(store, started=None):
    with store.database.reading() as cursor:
        if started is not None:
            started.set()
        cursor.execute(ENDLESS)


def test_a_read_ends_when_its_question_is_cancelled(store):
    deadline, started = Deadline(), threading.Event()

    ended = threading.Event()

    def cancel_until_ended():
        started.wait()
        while not ended.wait(0.01):
            deadline.cancel()

    canceller = threading.Thread(target=cancel_until_ended)
    canceller.start()
    try:
        with reads_within(deadline.over), pytest.raises(QueryCancelled):
            endless(store, started)
    finally:
        ended.set()
        canceller.join()


def test_a_call_that_is_cancelled_before_it_reads_reads_nothing(store):
    interruption = Interruption()
    interruption.cancel()
    with reads_within(interruption.over), pytest.raises(duckdb.InterruptException):
        endless(store)


CALLS = {
    "query_traces": {},
    "query_spans": {},
    "aggregate_traces": {"measures": ["count"]},
    "query_threads": {},
    "query_fields": {"predicateScope": "trace"},
    "query_values": {"predicateScope": "trace", "path": "tags"},
}


@pytest.mark.parametrize("name", CALLS)
def test_a_query_ends_with_its_deadline_as_reads_do(memory_store, name):
    span_of_time = {"timeRange": {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}}
    request = {"traces": span_of_time} if name == "query_threads" else span_of_time | CALLS[name]
    interruption = Interruption()
    interruption.cancel()
    with reads_within(interruption.over), pytest.raises(duckdb.InterruptException):
        getattr(memory_store.observability, name)(request)


def test_a_cancelled_call_of_asyncio_frees_its_thread(tmp_path):
    async def run():
        store = DuckDBStore(threads=1)
        await store.init()
        threads, started = CallThreads(), threading.Event()
        call = asyncio.ensure_future(threads.read(endless, store.sync, started))
        await asyncio.to_thread(started.wait)
        call.cancel()
        await asyncio.wait([call])
        await asyncio.to_thread(threads.end)  # waits for the thread
        await store.close()
        return call.cancelled()

    assert asyncio.run(run())


def test_a_store_is_opened_again_after_a_fatal_error(store):
    kept, later = new_trace(), new_trace()
    store.observability.create_span(span(kept))
    store.database.checkpoint()
    invalidate(store)
    with pytest.raises(CatalogUnavailable):
        store.observability.get_trace(kept)
    assert store.observability.get_trace(kept) is not None
    store.observability.create_span(span(later))
    assert store.observability.get_trace(later) is not None


def test_a_write_that_meets_a_fatal_error_is_refused_and_the_next_is_stored(store):
    first, second = new_trace(), new_trace()
    invalidate(store)
    with pytest.raises(CatalogWriteFailed):
        store.observability.create_span(span(first))
    store.observability.create_span(span(second))
    assert store.observability.get_trace(first) is None
    assert store.observability.get_trace(second) is not None


def invalidate(store):
    """DuckDB's own switch for a checkpoint that fails half-way; the error is fatal."""
    with store.database.reading() as cursor:
        cursor.execute("SELECT 1")
    raw = store.database._connection
    raw.execute("SET GLOBAL debug_checkpoint_abort = 'before_header'")
    raw.execute("CREATE TABLE more (x INTEGER)")
    with pytest.raises(duckdb.FatalException):
        raw.execute("CHECKPOINT")
