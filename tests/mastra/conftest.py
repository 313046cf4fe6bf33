"""Stores for all tests of the room: opening one costs more than most of what is asked of it."""

import pytest

from indexer.mastra.sync_store import SyncDuckDBStore
from tests.mastra.samples import Sender


@pytest.fixture(scope="session")
def memory_store():
    store = SyncDuckDBStore()
    store.init()
    yield store
    store.close()


@pytest.fixture(scope="session")
def file_store(tmp_path_factory):
    store = SyncDuckDBStore(tmp_path_factory.mktemp("mastra") / "spans.duckdb")
    store.init()
    yield store
    store.close()


@pytest.fixture(params=["memory in batches", "file one by one"])
def sender(request):
    """Each store and each way of sending once: the two know nothing of each other."""
    kind, _, way = request.param.partition(" ")
    store = request.getfixturevalue(f"{kind}_store")
    return Sender(store, by_batch=way == "in batches")
