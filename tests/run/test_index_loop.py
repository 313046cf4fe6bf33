"""The index thread's turns: what a failure of the catalog does to them."""

import asyncio

import pytest

from indexer.index.session import owning
from indexer.run.index_loop import IndexLoop
from indexer.run.open_index import OpenIndex
from indexer.settings import load_settings
from indexer.system.clock import SystemClock
from tests.support.span_files import spans, write

pytestmark = pytest.mark.duckdb


async def test_a_catalog_that_duckdb_has_given_up_is_opened_again_with_nothing_to_write(
    tmp_path, monkeypatch
):
    """A statement of a reader can be what ends it; no commit would notice."""
    write(tmp_path / "spans" / "a.parquet", spans(3))
    monkeypatch.setenv("JUNJO_SPAN_STORAGE_PATH", str(tmp_path / "spans"))
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "index.duckdb"))
    settings, stop = load_settings(), asyncio.Event()
    with owning(settings, "a test") as generations:
        index = OpenIndex(settings, SystemClock(), generations, stop.is_set)
        loop = IndexLoop(index, SystemClock(), stop, sweep_every_s=3600)
        await loop.open()
        await loop.sweep()
        index.catalog.connection.close()
        await loop.sweep()
        assert "closed" in loop.failure
        await loop.sweep()
        assert loop.failure == ""
        index.catalog.check()
        await loop.close()
