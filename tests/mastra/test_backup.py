"""A backup opens as the store it was, and what a killed process had stored is there after it."""

import subprocess
import sys

import pytest

from indexer.errors import CatalogBusy, InvalidMastraCall
from indexer.mastra.sync_store import SyncDuckDBStore
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb

WRITER = """
import os, signal, sys
from indexer.mastra.sync_store import SyncDuckDBStore
store = SyncDuckDBStore(sys.argv[1])
store.init()
store.observability.create_span(
    {"traceId": "t", "spanId": "s", "name": "n", "spanType": "generic", "startedAt": 0})
store.observability.update_span("t", "s", {"output": {"a": 1}, "tags": ["x"]})
try:
    SyncDuckDBStore(sys.argv[2]).init()
except Exception as error:
    print(type(error).__name__, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_stored_is_there_after_a_kill_and_a_file_has_one_process(tmp_path):
    mine = SyncDuckDBStore(tmp_path / "mine.duckdb")
    mine.init()
    path = tmp_path / "killed.duckdb"
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(path), str(tmp_path / "mine.duckdb")],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.returncode) == (f"{CatalogBusy.__name__}\n", -9), done.stderr
    mine.close()
    store = SyncDuckDBStore(path)
    store.init()
    found = store.observability.get_span("t", "s")
    assert (found.output, found.tags) == ({"a": 1}, ["x"])
    store.close()


def test_a_backup_is_the_store_at_its_moment(tmp_path):
    store = SyncDuckDBStore(tmp_path / "spans.duckdb")
    store.init()
    store.observability.create_span(span("before"))
    target = tmp_path / "backups" / "copy.duckdb"
    store.backup(target)
    store.observability.create_span(span("after"))
    copy = SyncDuckDBStore(target)
    copy.init()
    assert [one.trace_id for one in copy.observability.list_traces().spans] == ["before"]
    assert target.stat().st_mode & 0o777 == 0o600
    copy.close()
    with pytest.raises(InvalidMastraCall):
        store.backup(store.path)
    store.close()


def test_a_store_in_memory_has_no_backup(memory_store, tmp_path):
    with pytest.raises(InvalidMastraCall):
        memory_store.backup(tmp_path / "copy.duckdb")
