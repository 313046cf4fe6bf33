"""The operator's command makes a backup, from a worker's open store and from one without a worker."""

import json
from functools import partial

import pytest

from indexer.cli.main import main
from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.routes import mastra
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.system.budget import ByteBudget
from tests.mastra.samples import span
from tests.support.served import serving

pytestmark = pytest.mark.duckdb


@pytest.fixture
def store(tmp_path, monkeypatch):
    store = SyncDuckDBStore(tmp_path / "spans.duckdb", threads=1)
    store.init()
    store.observability.create_span(span("t"))
    monkeypatch.setenv("INDEXER_MASTRA_PATH", str(store.path))
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "index.duckdb"))
    yield store
    store.close()


def assert_is_the_store(path):
    copy = SyncDuckDBStore(path, threads=1)
    copy.init()
    assert copy.observability.get_trace("t")
    copy.close()


def test_a_running_worker_makes_the_backup_for_its_operator_alone(store, tmp_path):
    door = MastraDoor(store=store, bodies=ByteBudget(1))
    with serving(routers=[partial(mastra, door=door)], socket_folder=tmp_path) as served:
        assert main(["mastra-backup", str(tmp_path / "copy.duckdb")]) == 0
        refused = served.request("POST", f"/mastra/backup?target={tmp_path}/x.duckdb")
    assert refused.code == 403
    assert not (tmp_path / "x.duckdb").exists()
    assert_is_the_store(tmp_path / "copy.duckdb")


def test_without_a_worker_the_command_opens_the_store_itself(store, tmp_path, capsys):
    store.close()
    target = tmp_path / "copies" / "copy.duckdb"
    assert main(["mastra-backup", "--json", str(target)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "path": str(target),
        "bytes": target.stat().st_size,
    }
    assert_is_the_store(target)


def test_without_a_store_the_command_says_which_setting_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("INDEXER_MASTRA_PATH", str(tmp_path / "missing.duckdb"))
    assert main(["mastra-backup", str(tmp_path / "copy.duckdb")]) == 2
    assert "INDEXER_MASTRA_PATH" in capsys.readouterr().err
