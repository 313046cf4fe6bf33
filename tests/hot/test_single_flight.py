"""Callers share runs, and each gets one that began after it asked."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from indexer.errors import HotUnavailable
from indexer.hot.single_flight import SingleFlight


@contextmanager
def flying(work) -> Iterator[SingleFlight]:
    one = SingleFlight(work)
    try:
        yield one
    finally:
        one.close()


def test_who_comes_during_a_run_waits_for_the_next_one_together() -> None:
    numbers, go, began = itertools.count(1), threading.Event(), threading.Event()

    def work() -> int:
        began.set()
        go.wait(100)
        return next(numbers)

    with flying(work) as one, ThreadPoolExecutor(9) as callers:
        first = callers.submit(one.join, 20)
        began.wait(100)
        others = [callers.submit(one.join, 20) for _ in range(8)]
        while callers._work_queue.qsize() or one._boarding is None:
            threading.Event().wait(0.01)
        threading.Event().wait(0.05)
        go.set()
        assert first.result() == 1
        assert {other.result() for other in others} == {2}


def test_every_run_begins_after_its_callers_asked_and_none_overlap() -> None:
    """By a counter that is read before asking, and again by each run as it begins."""
    ticks, under_way = itertools.count(), []

    def work() -> int:
        at = next(ticks)
        under_way.append(at)
        assert len(under_way) == 1
        threading.Event().wait(0.001)
        under_way.pop()
        return at

    def ask(_: int) -> bool:
        asked = next(ticks)
        return one.join(100) > asked

    with flying(work) as one, ThreadPoolExecutor(8) as callers:
        assert all(callers.map(ask, range(300)))


def test_an_error_reaches_all_who_waited_and_none_after() -> None:
    outcomes = iter([HotUnavailable("gone"), None])

    def work() -> str:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome
        return "back"

    with flying(work) as one:
        with pytest.raises(HotUnavailable, match="gone"):
            one.join(100)
        assert one.join(100) == "back"


def test_who_does_not_get_it_in_time_is_told() -> None:
    go = threading.Event()
    with flying(lambda: go.wait(100)) as one:
        with pytest.raises(HotUnavailable, match="no hot spans within"):
            one.join(0.01)
        go.set()


def test_closing_ends_the_wait() -> None:
    go, began = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go.wait(100)

    one = SingleFlight(work)
    with ThreadPoolExecutor(3) as callers:
        first = callers.submit(one.join, 20)
        began.wait(100)
        second = callers.submit(one.join, 20)
        while one._boarding is None:
            threading.Event().wait(0.01)
        closing = callers.submit(one.close)
        with pytest.raises(HotUnavailable, match="closed"):
            second.result(100)
        go.set()
        assert first.result(100) is None
        closing.result(100)
    with pytest.raises(HotUnavailable, match="closed"):
        one.join(1)
