"""SIGTERM and SIGINT ask a process to end in order, from its first line until it is gone.

A loop's own handlers stand only while the loop is open. Ctrl-C reaches a whole process group and
``up`` sends SIGTERM as well, so a second signal often comes while a process is leaving: it must
not turn a clean end into a death.
"""

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
LOOK_EVERY_S = 0.1
"""Between two looks whether a stop is asked for: a handler may not write a log itself."""
LEAVING_S = 2.0
"""Of a command that was interrupted: until then further signals do not disturb its cleaning up."""


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
        import asyncio  # noqa: PLC0415 - commands, which have no loop, start without it

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


@contextmanager
def signal_waiter() -> Iterator[Callable[[float], None]]:
    """A function that waits until a signal comes or a child ends, and so many seconds at most.

    A signal that came before it is called, and after the block began, ends the wait as well. For
    the main thread.
    """
    receiving, sending = socket.socketpair()
    for one in (receiving, sending):
        one.setblocking(False)
    handler = signal.signal(signal.SIGCHLD, lambda *_: None)  # one that is ignored wakes nobody
    before = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)

    def wait(seconds: float) -> None:
        select.select([receiving], [], [], seconds)
        with suppress(BlockingIOError):
            while receiving.recv(1024):
                pass

    try:
        yield wait
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGCHLD, handler)
        receiving.close()
        sending.close()


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
    """Of a service that has ended in order; a command is ended by them without a traceback.

    The interpreter resets handlers of Python before the process is gone.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN if _REQUEST.is_caught else signal.SIG_DFL)


@contextmanager
def stopped_by_signals(say: Callable[[], object]) -> Iterator[StopRequest]:
    """The request that they make inside the block, for work that looks at it between two steps.

    ``say`` is called once in a thread of its own, soon after the request: the step in hand may take
    a while. For the main thread.
    """
    request, over = StopRequest(), threading.Event()
    handlers = {number: signal.signal(number, lambda *_: request.make()) for number in STOP_SIGNALS}

    def watch() -> None:
        while not (request.is_made or over.wait(LOOK_EVERY_S)):
            pass
        if request.is_made:
            say()

    watching = threading.Thread(target=watch, daemon=True, name="stop signals")
    watching.start()
    try:
        yield request
    finally:
        over.set()
        watching.join()
        for number, handler in handlers.items():
            signal.signal(number, handler)


class _Interruption:
    """When a signal interrupted this process last; None before."""

    at_s: float | None = None


def interrupt_on_stop_signals() -> None:
    """Have them raise KeyboardInterrupt in the main thread: whoever has a file open removes it.

    A second one waits until the process should be gone. For a process that runs one command; a
    service catches them itself afterwards.
    """

    def interrupt(*_: object) -> None:
        now_s, before_s = time.monotonic(), _Interruption.at_s
        if before_s is None or now_s - before_s > LEAVING_S:
            _Interruption.at_s = now_s
            raise KeyboardInterrupt

    for number in STOP_SIGNALS:
        signal.signal(number, interrupt)


def is_interrupted() -> bool:
    """Whether a signal has interrupted this process: a library may have made an error of it."""
    return _Interruption.at_s is not None
