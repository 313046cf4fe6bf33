"""One question's time: it ends when its limit passes, or when nobody waits for it any more.

A question may also have to be answered at once, by a thread that others wait for, or not there.
Whoever answers looks at it between two steps; a statement that runs inside DuckDB is interrupted.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from indexer.errors import QueryCancelled, QueryTimedOut
from indexer.system.cached_storage import MustWait
from indexer.system.duckdb_interruption import Interruption

AT_ONCE_SPANS_MAX = 32
"""Of an answer that must not wait: two milliseconds where each lies on a page of its own."""
ENDED = (QueryCancelled, QueryTimedOut)
"""What ends an answer as a whole: it is not what one source of it lacks."""


class Deadline:
    """Shared between the thread that answers and the one that waits."""

    def __init__(self, limit_s: float = math.inf, *, may_wait: bool = True) -> None:
        self._limit_s = limit_s
        self.may_wait = may_wait
        """Whether the answer may take longer than what is at hand does."""
        self._ends_s = time.monotonic() + limit_s
        self._interruption = Interruption()

    def cancel(self) -> None:
        """Nobody waits any more. Said again, it also ends what began just as it was said."""
        self._interruption.cancel()

    def will_wait(self) -> None:
        """Something comes that may take long. Raises MustWait where the answer must not."""
        if not self.may_wait:
            raise MustWait

    def will_make(self, spans: int) -> None:
        """So many are made next. Raises MustWait for many, where the answer must not wait."""
        if spans > AT_ONCE_SPANS_MAX:
            self.will_wait()

    def check(self) -> None:
        """Raises QueryCancelled or QueryTimedOut when there is no time left."""
        if time.monotonic() >= self._ends_s:
            raise QueryTimedOut(f"no answer within {self._limit_s:g} s")
        if self._interruption.is_cancelled:
            raise QueryCancelled("the client has disconnected")

    @contextmanager
    def over(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """While statements of the connection may be interrupted. Raises like ``check``.

        Inside another one it is this connection's turn meanwhile.
        """
        self.check()
        try:
            with self._interruption.over(connection):
                yield
        except duckdb.InterruptException as error:
            self.check()
            raise QueryCancelled("the statement was interrupted") from error
