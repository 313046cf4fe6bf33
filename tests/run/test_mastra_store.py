"""The worker's Mastra store is open while it serves, and keeps no more than the settings say."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from indexer.clients.application import Application
from indexer.clients.mastra import publish, queries
from indexer.run.dashboard_limits import dashboards_admission
from indexer.run.mastra_store import MastraStore
from indexer.run.serving import routers
from indexer.settings import load_settings
from tests.mastra.samples import span

pytestmark = pytest.mark.duckdb


async def test_what_is_too_old_is_deleted_as_soon_as_the_store_is_watched(tmp_path):
    settings = load_settings(INDEXER_MASTRA_PATH=str(tmp_path / "a" / "m.duckdb"))
    store = MastraStore(settings)
    store.open()
    spans = store.door.store.observability
    old = datetime.now(UTC) - timedelta(seconds=settings.mastra_max_age_s + 86_400)
    spans.batch_create_spans([span("old", startedAt=old), span("new", startedAt=datetime.now(UTC))])
    stop = asyncio.Event()
    watching = asyncio.create_task(store.prune_until(stop))
    while await asyncio.to_thread(spans.get_trace, "old"):  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    assert spans.get_trace("new")
    stop.set()
    await watching
    store.close()


def test_its_routes_and_their_bodies_are_there_with_a_path_alone(tmp_path):
    settings = load_settings(INDEXER_MASTRA_PATH=str(tmp_path / "m.duckdb"))
    door = MastraStore(settings).door
    paths = Application(None, routers(settings, door)).openapi()["paths"]  # type: ignore[arg-type]
    assert "/ai/{signal}/publish" in paths
    assert "/ai/{signal}/publish" not in Application(None, routers(settings)).openapi()["paths"]  # type: ignore[arg-type]
    limits = dashboards_admission(settings).body_bytes_max_by_ending
    of_queries = dict.fromkeys(queries.PATH_ENDINGS, queries.BODY_BYTES_MAX)
    assert limits == {"/publish": publish.BODY_BYTES_MAX, **of_queries}
    assert dashboards_admission(load_settings()).body_bytes_max_by_ending == {}
