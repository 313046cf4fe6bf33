"""Work inside a library that does not look at signals, so that Ctrl-C ends it all the same."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
AGAIN_S = 0.1
"""Until it is said again to a step in hand: it may have begun what can be interrupted since."""
_END = object()


class Interruptible:
    """Steps in a thread of their own, one after the other, while the main thread hears signals."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._interrupt: Callable[[], object] = lambda: None

    def interrupt_by(self, interrupt: Callable[[], object]) -> None:
        """What makes a step in hand raise; it is called from another thread."""
        self._interrupt = interrupt

    def run(self, step: Callable[[], T]) -> T:
        """What the step returns or raises; KeyboardInterrupt once it has ended for it."""
        future = self._pool.submit(step)
        try:
            return future.result()
        except KeyboardInterrupt:
            while not future.done():
                self._interrupt()
                wait([future], AGAIN_S)
            raise

    def each(self, values: Iterator[T]) -> Iterator[T]:
        """The values, each made in that thread."""
        while (value := self.run(lambda: next(values, _END))) is not _END:
            yield value  # type: ignore[misc]


@contextmanager
def interruptible() -> Iterator[Interruptible]:
    """For the main thread."""
    with ThreadPoolExecutor(1, "interruptible") as pool:
        yield Interruptible(pool)
