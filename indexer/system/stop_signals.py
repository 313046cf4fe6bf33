"""SIGTERM and SIGINT ask a service to end in order, from its first line until its process is gone.

A loop's own handlers stand only while the loop is open. Ctrl-C reaches a whole process group and
``up`` sends SIGTERM as well, so a second signal often comes while a process is leaving: it must
not turn a clean end into a death.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """What the handlers of this process call; asked once or more, it stays asked."""

    def __init__(self) -> None:
        self.is_caught = False
        self.is_made = False
        self._told: Callable[[], object] | None = None

    def make(self) -> None:
        """Remember the request and pass it on."""
        self.is_made = True
        if self._told is not None:
            self._told()

    def tell(self, stop: Callable[[], object]) -> None:
        """Have ``stop`` called by each request from now on, and at once after an earlier one.

        It is called in the main thread, between any two steps of the program.
        """
        self._told = stop
        if self.is_made:
            stop()

    def tell_loop(self, stop: Callable[[], object]) -> None:
        """The same in the running loop; a loop that is closed has nothing left to stop."""
        loop = asyncio.get_running_loop()

        def in_loop() -> None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(stop)

        self.tell(in_loop)


_REQUEST = StopRequest()
"""Handlers belong to the process, and so does what they ask."""


def catch_stop_signals() -> StopRequest:
    """Handle them from here on. Call it in the main thread, before anything that takes time.

    They are unblocked as well: a parent that starts a part of itself blocks them, so that none
    kills the interpreter before this line.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: _REQUEST.make())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    _REQUEST.is_caught = True
    return _REQUEST


def stop_with_input() -> None:
    """Send this process SIGTERM once its standard input ends.

    A parent that holds the other end of a pipe is gone then, killed or not. No system call of one
    system is needed for it, and it is noticed however early the parent dies.
    """
    threading.Thread(target=_wait_for_end_of_input, name="input", daemon=True).start()


def _wait_for_end_of_input() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def ignore_stop_signals() -> None:
    """A service that has ended in order: the interpreter resets handlers before it is gone."""
    if _REQUEST.is_caught:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
