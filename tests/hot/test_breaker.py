"""A dead service is left alone for longer and longer, and probed by one at a time."""

from __future__ import annotations

import pytest

from indexer.errors import HotUnavailable
from indexer.hot.breaker import BACKOFF_MAX_S, BACKOFF_S, Breaker, hot_backoff_s
from tests.support.fake_clock import FakeClock


def fail(breaker: Breaker) -> None:
    with pytest.raises(HotUnavailable, match="dead"), breaker.attempt():
        raise HotUnavailable("dead")


def test_it_is_open_for_the_backoff_and_then_takes_one_probe() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, backoff_s=float)
    fail(breaker)
    clock.advance(0.9)
    with pytest.raises(HotUnavailable, match="left alone for now: dead"):
        breaker.refuse_when_open()
    clock.advance(0.1)
    breaker.refuse_when_open()
    with breaker.attempt():
        with pytest.raises(HotUnavailable, match="left alone"):
            breaker.refuse_when_open()
        with pytest.raises(HotUnavailable, match="left alone"), breaker.attempt():
            raise AssertionError("two probes")
    breaker.refuse_when_open()
    assert breaker.failures == 0


def test_a_failed_probe_opens_it_for_longer() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, backoff_s=float)
    fail(breaker)
    clock.advance(1)
    fail(breaker)
    clock.advance(1.9)
    with pytest.raises(HotUnavailable):
        breaker.refuse_when_open()
    clock.advance(0.1)
    breaker.refuse_when_open()
    assert breaker.failures == 2


def test_another_error_says_nothing_of_the_service_and_frees_the_probe() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, backoff_s=float)
    fail(breaker)
    clock.advance(1)
    with pytest.raises(KeyError), breaker.attempt():
        raise KeyError
    breaker.refuse_when_open()
    assert breaker.failures == 1


def test_the_backoff_doubles_from_half_a_second_to_half_a_minute_with_jitter() -> None:
    for failures in (1, 2, 3, 7, 100, 10_000):
        exact = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** min(failures - 1, 20))
        several = {hot_backoff_s(failures) for _ in range(20)}
        assert all(0.8 * exact <= one <= 1.2 * exact for one in several)
        assert len(several) > 1
