"""Other signals are bounded by their age and by their bytes, the newest stay."""

from datetime import UTC, datetime, timedelta

import pytest

from indexer.errors import InvalidMastraCall
from indexer.mastra.signals import prune_signals

pytestmark = pytest.mark.duckdb


def test_the_oldest_signals_go_first(memory_store):
    spans, database = memory_store.observability, memory_store.database
    spans.batch_create_signals("logs", [])
    spans.batch_create_signals("logs", [{"n": number, "text": "x" * 80} for number in range(10)])
    now = datetime.now(UTC)
    assert prune_signals(database, now, timedelta(days=1), 100_000) == 0
    assert prune_signals(database, now, None, 350) == 7
    with database.reading() as cursor:
        left = cursor.execute("SELECT record->>'n' FROM mastra_signals ORDER BY rowid").fetchall()
    assert left == [("7",), ("8",), ("9",)]
    assert prune_signals(database, now + timedelta(days=2), timedelta(days=1), None) == 3
    with pytest.raises(InvalidMastraCall):
        spans.batch_create_signals("logs", [{}] * 10_001)
