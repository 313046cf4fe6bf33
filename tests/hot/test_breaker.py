"""A dead service is not asked again yet for longer and longer, and probed by one at a time."""

from __future__ import annotations

import pytest

from indexer.errors import HotUnavailable
from indexer.hot.breaker import Breaker
from indexer.system.retry import HOT
from tests.support.fake_clock import FakeClock

SHORTEST = 0.8
"""A pause may be a fifth shorter or longer than its place in the row says."""
EPSILON_S = 0.01


def fail(breaker: Breaker) -> None:
    with pytest.raises(HotUnavailable, match="dead"), breaker.attempt():
        raise HotUnavailable("dead")


def test_it_is_open_for_the_backoff_and_then_takes_one_probe() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    fail(breaker)
    clock.advance(SHORTEST * HOT.first_s - EPSILON_S)
    with pytest.raises(HotUnavailable, match="not asked again yet: dead"):
        breaker.refuse_when_open()
    clock.advance(HOT.first_s)
    breaker.refuse_when_open()
    with breaker.attempt():
        with pytest.raises(HotUnavailable, match="not asked again yet"):
            breaker.refuse_when_open()
        with pytest.raises(HotUnavailable, match="not asked again yet"), breaker.attempt():
            raise AssertionError("two probes")
    breaker.refuse_when_open()
    assert breaker.failures == 0


def test_a_failed_probe_opens_it_for_longer() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    fail(breaker)
    clock.advance(2 * HOT.first_s)
    fail(breaker)
    clock.advance(2 * SHORTEST * HOT.first_s - EPSILON_S)
    with pytest.raises(HotUnavailable):
        breaker.refuse_when_open()
    clock.advance(HOT.first_s)
    breaker.refuse_when_open()
    assert breaker.failures == 2


def test_another_error_says_nothing_of_the_service_and_frees_the_probe() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    fail(breaker)
    clock.advance(2 * HOT.first_s)
    with pytest.raises(KeyError), breaker.attempt():
        raise KeyError
    breaker.refuse_when_open()
    assert breaker.failures == 1
