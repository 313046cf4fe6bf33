"""The table is searched for spans that may be stored, and for no others."""

import pytest

from indexer.mastra import span_writes
from indexer.mastra.sync_store import SyncDuckDBStore
from tests.mastra.samples import new_trace, span

pytestmark = pytest.mark.duckdb


@pytest.fixture
def searches(monkeypatch):
    """How many keys each batch looked for."""
    counts = []
    stored = span_writes._stored

    def counted(connection, asked, changes):
        counts.append(len(asked))
        return stored(connection, asked, changes)

    monkeypatch.setattr(span_writes, "_stored", counted)
    return counts


def test_new_spans_are_not_looked_for_and_resent_ones_are(memory_store, searches):
    spans = memory_store.observability
    trace = new_trace()
    spans.batch_create_spans([span(trace), span(trace, "a", "root")])
    spans.batch_create_spans([span(trace), span(trace, "b", "root")])
    spans.update_span(trace, "b", {"output": 1})
    assert searches == [0, 1, 1]
    assert [one.span_id for one in spans.get_trace(trace).spans] == ["root", "a", "b"]


def test_spans_of_a_file_are_known_once_it_is_open_again(tmp_path, searches):
    for expected in (0, 1):
        store = SyncDuckDBStore(tmp_path / "spans.duckdb")
        store.init()
        store.observability.create_span(span("t"))
        assert searches[-1] == expected
        assert len(store.observability.get_trace("t").spans) == 1
        store.close()


def test_another_span_with_the_same_key_is_not_taken_for_it(memory_store, monkeypatch):
    monkeypatch.setattr(span_writes, "span_key", lambda *_: 5)
    trace = new_trace()
    memory_store.observability.create_span(span(trace, "a"))
    memory_store.observability.create_span(span(trace, "b"))
    with memory_store.database.reading() as cursor:
        found = cursor.execute(
            "SELECT span_id FROM mastra_spans WHERE trace_id = ? ORDER BY 1", [trace]
        ).fetchall()
    assert found == [("a",), ("b",)]
