"""Columns that no span has a value of are not read, and none that one has is left out."""

import pytest

from indexer.mastra.columns import RECORD_COLUMNS, UPDATABLE
from indexer.mastra.filled_columns import filled_among, stored_columns
from indexer.mastra.sync_store import SyncDuckDBStore
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb
ALWAYS = {"name", "span_type", "is_event", "started_at"}


def opened(path):
    store = SyncDuckDBStore(path, threads=1)
    store.init()
    return store


def filled(store):
    return next(store.database.filled.turns())


def test_what_was_ever_written_is_read_after_a_restart(tmp_path):
    store = opened(tmp_path / "spans.duckdb")
    assert filled(store) == set()
    store.observability.create_span(span("t", tags=["a"], threadId="x"))
    store.observability.update_span("t", "root", {"output": {"a": 1}, "threadId": None})
    assert filled(store) == ALWAYS | {"tags", "thread_id", "output"}
    store.close()
    store = opened(tmp_path / "spans.duckdb")
    assert filled(store) >= ALWAYS | {"tags", "output"}
    assert "links" not in filled(store)
    (found,) = store.observability.get_trace("t").spans
    assert (found.tags, found.output, found.thread_id, found.links) == (["a"], {"a": 1}, None, None)
    store.close()


def test_a_read_is_made_again_when_a_write_has_filled_a_column_meanwhile(tmp_path):
    store = opened(tmp_path / "spans.duckdb")
    store.observability.create_span(span("t"))
    turns = []
    for columns in store.database.filled.turns():
        turns.append("session_id" in columns)
        if len(turns) == 1:
            store.observability.update_span("t", "root", {"sessionId": "s"})
    assert turns == [False, True]
    store.close()


def test_a_column_that_nothing_is_known_of_is_read():
    class Unknown:
        def execute(self, _):
            return self

        def fetchall(self):
            return [("another form",) * len(UPDATABLE)]

    assert stored_columns(Unknown()) == set(UPDATABLE)
    assert filled_among(RECORD_COLUMNS, set(UPDATABLE)) == RECORD_COLUMNS
    assert filled_among(("error IS NULL", "links", "trace_id"), set()) == (
        "error IS NULL",
        "trace_id",
    )


def test_a_store_without_a_created_span_has_no_trace(tmp_path):
    store = opened(tmp_path / "spans.duckdb")
    assert store.observability.get_trace("t") is None
    store.observability.update_span("t", "root", {"output": 1})
    assert store.observability.get_trace("t") is None
    assert store.observability.list_traces().spans == []
    store.close()
