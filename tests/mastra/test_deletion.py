"""What is deleted is gone with its space: named traces, the oldest ones, or all of them."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from indexer.errors import InvalidMastraCall
from indexer.mastra.deletion import used_bytes
from indexer.mastra.sync_store import SyncDuckDBStore
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb


@pytest.fixture
def store(tmp_path):
    store = SyncDuckDBStore(tmp_path / "spans.duckdb")
    store.init()
    yield store
    store.close()


def left(store):
    return sorted(one.trace_id for one in store.observability.list_traces().spans)


def test_named_traces_are_deleted_with_all_their_spans_and_those_of_a_tenant_alone(store):
    spans = store.observability
    spans.batch_create_spans(
        [
            span("a"),
            span("a", "child", "root"),
            span("b", organizationId="o", resourceId="r"),
            span("b", "child", "root", organizationId="other"),
            span("c"),
        ]
    )
    spans.update_span("a", "pending", {"output": 1})
    spans.batch_delete_traces(["a", "unknown", "a"])
    assert (left(store), spans.get_trace("a")) == (["b", "c"], None)
    spans.create_span(span("a", "pending"))
    assert spans.get_span("a", "pending").output is None
    spans.batch_delete_traces(["b", "c"], organization_id="o", resource_id="r")
    assert [one.span_id for one in spans.get_trace("b").spans] == ["child"]
    assert left(store) == ["a", "c"]
    spans.batch_delete_traces([])
    with pytest.raises(InvalidMastraCall):
        spans.batch_delete_traces(["t"] * 1_001)
    spans.dangerously_clear_all()
    assert left(store) == []


def test_retention_removes_whole_traces_by_their_last_change(store):
    now = datetime.now(UTC)
    old = now - timedelta(days=9)
    spans = store.observability
    spans.batch_create_spans(
        [
            span("old", startedAt=old, endedAt=old),
            span("long", startedAt=old),
            span("long", "child", "root", startedAt=now),
            span("updated", startedAt=old),
        ]
    )
    spans.update_span("updated", "root", {"output": 1})
    assert spans.prune(max_age=timedelta(days=7)).spans == 1
    assert left(store) == ["long", "updated"]
    assert spans.prune().spans == 0


def test_a_store_beyond_its_bytes_loses_its_oldest_traces(store):
    spans = store.observability
    noise = Random(1).randbytes(200_000).hex()
    spans.batch_create_spans(
        [span(f"{number}", start=number, input=noise[number:]) for number in range(10)]
    )
    store.database.checkpoint()
    before = used_bytes(store.database)
    assert before > 1_000_000
    pruned = spans.prune(max_bytes=before // 2)
    assert pruned.spans >= 5
    assert 0 < pruned.bytes <= before // 2
    assert "9" in left(store)
    assert "0" not in left(store)
    assert spans.prune(max_bytes=before // 2).spans == 0
