"""The asynchronous face: every call of the other one, on threads, and an end that frees the file."""

import asyncio
import inspect
import threading

import duckdb
import pytest

from indexer.mastra.call_threads import CallThreads
from indexer.mastra.store import DuckDBStore, ObservabilityDuckDB
from indexer.mastra.sync_store import SyncObservability
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb


def signatures(kind):
    return {
        name: inspect.signature(member)
        for name, member in vars(kind).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def test_both_faces_have_the_same_calls():
    assert signatures(ObservabilityDuckDB) == signatures(SyncObservability)


async def test_what_is_written_is_read_and_a_closed_file_is_free(tmp_path):
    path = tmp_path / "spans.duckdb"
    store = DuckDBStore(path)
    await store.init()
    await store.observability.batch_create_spans([span("t"), span("t", "child", "root", 1)])
    await store.observability.update_span("t", "child", {"output": 1})
    found = await store.observability.get_trace("t")
    assert [(one.span_id, one.output) for one in found.spans] == [("root", None), ("child", 1)]
    assert (await store.observability.get_root_span("t")).span_id == "root"
    await store.close()
    await store.close()
    with duckdb.connect(str(path)) as other:
        assert other.execute("SELECT count(*) FROM mastra_ai_spans").fetchall() == [(2,)]
    await store.init()
    assert await store.observability.get_span("t", "child")
    await store.close()


async def test_a_call_runs_beside_the_loop_and_writes_in_their_order():
    threads, release, done = CallThreads(), threading.Event(), []
    first = asyncio.create_task(threads.write(lambda: (release.wait(), done.append(1))))
    second = asyncio.create_task(threads.write(done.append, 2))
    await threads.read(release.set)
    await asyncio.gather(first, second)
    assert done == [1, 2]
    await asyncio.to_thread(threads.end)


async def test_two_stores_of_one_file_write_beside_each_other(tmp_path):
    stores = [DuckDBStore(tmp_path / "spans.duckdb") for _ in range(2)]
    for store in stores:
        await store.init()
    await asyncio.gather(
        *(
            store.observability.batch_create_spans([span("t", str(number)) for number in range(20)])
            for store in stores
            for _ in range(5)
        )
    )
    found = await stores[1].observability.get_trace("t")
    assert len(found.spans) == 20
    await stores[0].close()
    assert len((await stores[1].observability.get_trace("t")).spans) == 20
    await stores[1].close()
