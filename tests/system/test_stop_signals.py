"""A stop is asked for once however many signals come, and is said while the step in hand goes on."""

import os
import signal
import subprocess
import threading
import time

import pytest

from indexer.system import stop_signals
from indexer.system.stop_signals import (
    interrupt_on_stop_signals,
    is_interrupted,
    signal_waiter,
    stopped_by_signals,
)


@pytest.fixture
def handlers():
    """Those of the test run, put back."""
    present = {number: signal.getsignal(number) for number in stop_signals.STOP_SIGNALS}
    yield
    for number, handler in present.items():
        signal.signal(number, handler)
    stop_signals._Interruption.at_s = None


@pytest.mark.parametrize("number", stop_signals.STOP_SIGNALS)
def test_work_in_steps_is_asked_to_stop_and_says_so_once(handlers, number):
    said, heard = [], threading.Event()
    before = signal.getsignal(number)

    def say():
        said.append(1)
        heard.set()

    with stopped_by_signals(say) as request:
        assert not request.is_made
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert request.is_made
        assert heard.wait(60)
    assert said == [1]
    assert signal.getsignal(number) is before


def test_work_that_nobody_stops_says_nothing():
    said = []
    with stopped_by_signals(lambda: said.append(1)) as request:
        pass
    assert (said, request.is_made) == ([], False)


def test_a_command_is_interrupted_once_and_cleans_up_in_peace(handlers):
    interrupt_on_stop_signals()
    assert not is_interrupted()
    cleaned = []

    def work():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert cleaned == [1]
    assert is_interrupted()


def test_a_command_that_does_not_go_is_interrupted_again(handlers, monkeypatch):
    monkeypatch.setattr(stop_signals, "LEAVING_S", -1.0)
    interrupt_on_stop_signals()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_who_waits_for_signals_is_woken_by_one_and_by_the_end_of_a_child():
    began_s = time.monotonic()
    with signal_waiter() as wait:
        child = subprocess.Popen(["true"])
        while child.poll() is None:
            wait(60)
        os.kill(os.getpid(), signal.SIGCHLD)
        wait(60)
    assert time.monotonic() - began_s < 60


def test_a_wait_for_signals_ends_by_itself_and_leaves_handlers_as_they_were():
    before = signal.getsignal(signal.SIGCHLD)
    with signal_waiter() as wait:
        wait(0)
    assert signal.getsignal(signal.SIGCHLD) is before
    assert signal.set_wakeup_fd(-1) == -1
