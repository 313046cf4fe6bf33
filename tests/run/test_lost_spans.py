"""Spans that leave the log are looked for in the index, of a view all and of an outline its sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from indexer.hot.identity import keys_of
from indexer.hot.lost import WAIT_S
from indexer.hot.view import DecodedRows, HotOutline, HotView
from indexer.run import lost_spans as module
from indexer.run.lost_spans import EVERY_S, LostSpans
from tests.support.fake_clock import FakeClock

CURSOR: Any = None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lost(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> LostSpans:
    """With an index that has no span."""
    monkeypatch.setattr(module, "known_spans", lambda _, keys: np.zeros(len(keys), np.bool_))
    return LostSpans(clock)


def rows(*numbers: int) -> pa.Table:
    ids = {
        "trace_id": [f"{1:032x}" for _ in numbers],
        "span_id": [f"{number:016x}" for number in numbers],
    }
    return pa.table(ids, pa.schema([(name, pa.string()) for name in ids]))


def view(*numbers: int) -> HotView:
    return HotView(
        rows=DecodedRows(rows(*numbers)),
        as_of_unix_nano=0,
        recent_files=(),
        source="incremental",
        bounded=False,
    )


def outline(*sample: int, flushed: int, newest: int = 9, wal_id: str = "log") -> HotOutline:
    """Each request has one span, whose number is its key."""
    return HotOutline(
        wal_id=wal_id,
        newest_key=bytes([newest]),
        flushed_key=bytes([flushed]),
        span_count=newest - flushed,
        recent_files=(),
        bounded=False,
        sample=keys_of(rows(*sample)),
        sampled_key=bytes(sample[-1:]),
    )


def found(lost: LostSpans, clock: FakeClock, seen: HotView | HotOutline) -> int:
    """How many are lost once they had a minute after this look."""
    lost.find(CURSOR, seen)
    clock.advance(WAIT_S)
    lost.find(CURSOR, seen)
    clock.advance(EVERY_S)
    return lost.count


def test_a_sample_is_watched_until_all_of_it_has_left_the_log(
    lost: LostSpans, clock: FakeClock
) -> None:
    assert found(lost, clock, outline(1, 2, flushed=0, newest=0)) == 0
    assert found(lost, clock, outline(2, 3, flushed=1)) == 0, "one that may be hot is not lost"
    assert found(lost, clock, outline(3, 4, flushed=2)) == 2
    assert found(lost, clock, outline(flushed=9)) == 4


def test_spans_of_a_view_are_watched_until_what_was_the_newest_is_flushed(
    lost: LostSpans, clock: FakeClock
) -> None:
    lost.find(CURSOR, view(1, 2))
    clock.advance(EVERY_S)
    assert found(lost, clock, outline(2, 3, flushed=1, newest=3)) == 0
    assert found(lost, clock, outline(flushed=3, newest=3)) == 2


def test_what_was_sampled_is_looked_for_in_the_next_view(lost: LostSpans, clock: FakeClock) -> None:
    assert found(lost, clock, outline(1, 2, flushed=0, newest=0)) == 0
    assert found(lost, clock, view(2)) == 1


def test_all_has_left_where_the_log_is_another(lost: LostSpans, clock: FakeClock) -> None:
    assert found(lost, clock, outline(1, 2, flushed=0, newest=0)) == 0
    assert found(lost, clock, outline(flushed=0, wal_id="another")) == 2


def test_nothing_is_looked_for_before_it_is_due(lost: LostSpans, clock: FakeClock) -> None:
    lost.find(CURSOR, view(1))
    lost.find(CURSOR, view())
    clock.advance(WAIT_S)
    lost.find(CURSOR, view())
    assert lost.count == 0
    assert lost.is_due is False
