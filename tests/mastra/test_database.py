"""The store's file opens as what it is, or is refused by name; its view derives what is derived."""

from datetime import timedelta

import duckdb
import pytest

from indexer.contracts import mastra_migrations
from indexer.errors import CatalogBusy, CatalogTooNew, CatalogUnreadable, CatalogWriteFailed
from indexer.mastra.database import Database
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.mastra.trace_roots import ROOT_COLUMNS
from indexer.system import retry
from tests.mastra.samples import at, new_trace, span

pytestmark = pytest.mark.duckdb

SEED_COLUMNS = [
    "id",
    "trace_id",
    "parent_span_id",
    "name",
    "type",
    "started_at",
    "ended_at",
    "status",
    "input",
    "output",
    "metadata",
    "tags",
    "entity_type",
    "entity_name",
    "entity_id",
    "user_id",
    "organization_id",
    "resource_id",
    "run_id",
    "session_id",
    "thread_id",
    "request_id",
    "environment",
    "service_name",
    "source",
    "error_info",
    "has_child_error",
    "scope",
    "attributes",
]


def open_database(path):
    return Database.open(path, memory_limit="256MiB", threads=1)


def view(store, trace, columns):
    with store.database.reading() as cursor:
        return cursor.execute(
            f"SELECT {columns} FROM mastra_ai_spans WHERE trace_id = ? ORDER BY id", [trace]
        ).fetchall()


def test_the_view_has_the_columns_of_mastras_table(memory_store):
    with memory_store.database.reading() as cursor:
        found = cursor.execute("SELECT * FROM mastra_ai_spans LIMIT 0").description
    assert [column[0] for column in found] == SEED_COLUMNS


def test_the_view_derives_status_and_failed_children(memory_store):
    trace = new_trace()
    memory_store.observability.batch_create_spans(
        [
            span(trace),
            span(trace, "a", "root", 1, endedAt=at(2)),
            span(trace, "b", "a", 1, error={"message": "no"}),
            span(trace, "c", "b", 1, endedAt=at(3)),
        ]
    )
    memory_store.observability.update_span(trace, "pending", {"output": 1})
    assert view(memory_store, trace, "id, status, has_child_error") == [
        ("a", "success", True),
        ("b", "error", False),
        ("c", "success", False),
        ("root", "running", True),
    ]
    memory_store.observability.update_span(trace, "b", {"error": None, "endedAt": at(9)})
    assert {row[1:] for row in view(memory_store, trace, "id, status, has_child_error")} == {
        ("success", False),
        ("running", False),
    }


def test_a_file_of_another_program_or_a_newer_version_is_refused(tmp_path):
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(CatalogUnreadable, match="another program"):
        open_database(other)
    text = tmp_path / "text.duckdb"
    text.write_text("not a database, and long enough to be looked at" * 100)
    with pytest.raises(CatalogUnreadable):
        open_database(text)
    newer = tmp_path / "newer.duckdb"
    database = open_database(newer)
    with database.transaction() as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (999, 'future', now())")
    database.release()
    with pytest.raises(CatalogTooNew, match=f"999.*supports {mastra_migrations()[-1][0]}"):
        open_database(newer)


def test_the_file_is_private_and_sequences_grow_over_restarts(tmp_path):
    path = tmp_path / "made" / "spans.duckdb"
    store = SyncDuckDBStore(path)
    store.init()
    store.observability.create_span(span("t"))
    assert path.stat().st_mode & 0o777 == 0o600
    before = store.database.committed_sequence
    store.close()
    store.init()
    assert store.database.committed_sequence == before
    assert store.database.next_sequence(2)[0] > before
    store.close()


def test_a_failed_transaction_leaves_nothing_and_the_next_one_works(memory_store):
    kept, trace = new_trace(), new_trace()
    memory_store.observability.create_span(span(kept))

    def failing(statement):
        with memory_store.database.transaction() as connection:
            connection.execute("DELETE FROM mastra_spans")
            connection.execute(statement)

    with pytest.raises(CatalogWriteFailed):
        failing("SELECT no_such_column FROM mastra_spans")
    memory_store.observability.create_span(span(trace))
    assert memory_store.observability.get_span(kept, "root")
    assert memory_store.observability.get_span(trace, "root")


def test_a_checkpoint_that_has_to_wait_is_no_failed_write(tmp_path, monkeypatch):
    """What was deleted is deleted; its space comes back once nobody is in the way."""
    monkeypatch.setattr(retry, "CHECKPOINT", retry.AT_ONCE)
    store = SyncDuckDBStore(tmp_path / "a.duckdb", threads=1)
    store.init()
    store.observability.create_span(span("a"))
    with store.database.cursor() as other:
        other.execute("BEGIN TRANSACTION")
        other.execute("CREATE TABLE another (a INTEGER)")
        with pytest.raises(CatalogBusy, match="other transactions"):
            store.database.checkpoint()
        assert store.observability.prune(max_age=timedelta(0)).spans == 1
        other.execute("ROLLBACK")
    store.database.checkpoint()
    assert store.observability.get_span("a", "root") is None
    store.close()


def test_roots_of_an_older_file_are_listed(tmp_path):
    path = tmp_path / "older.duckdb"
    store = SyncDuckDBStore(path, threads=1)
    store.init()
    store.observability.batch_create_spans(
        [span("t", threadId="x", tags=["a"]), span("t", "child", "root", threadId="x")]
    )
    store.observability.update_span("t", "pending", {"output": 1, "threadId": "x"})
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE mastra_roots")
        connection.execute("DELETE FROM schema_migrations WHERE version > 3")
    store.init()
    listed = store.observability.list_traces({"filters": {"threadId": "x", "tags": ["a"]}})
    assert ([one.span_id for one in listed.spans], listed.pagination.total) == (["root"], 1)
    store.close()


def test_what_lists_filter_roots_by_is_kept_under_the_names_of_spans(memory_store):
    columns = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? ORDER BY 1"
    with memory_store.database.reading() as cursor:
        spans = dict(cursor.execute(columns, ["mastra_spans"]).fetchall())
        roots = dict(cursor.execute(columns, ["mastra_roots"]).fetchall())
    assert roots == {name: spans[name] for name in ROOT_COLUMNS}
