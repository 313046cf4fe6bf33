"""The child process that decodes and writes, and that tries again when it dies."""

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from indexer.ingest.events import WRITER_DIED
from indexer.system import retry
from indexer.system.child_process import ChildProcess
from indexer.telemetry.log import log

T = TypeVar("T")

TRIES = 3
"""A process may be killed for memory by accident; three in a row are none, and are told."""


IDLE_S = 300.0
"""The process holds 140 MiB (measured, after 100,000 spans): where a file an hour is written it
need not stay, and where files follow each other it does."""


class WriterProcess(ChildProcess):
    """One process, started when first needed. Any thread may call; calls run one at a time."""

    def __init__(self) -> None:
        super().__init__(IDLE_S)

    def run(self, function: Callable[..., T], *arguments: object) -> T:
        """The function's result, from the process; what it raises is raised here.

        Raises BrokenProcessPool when the process died of it three times.
        """
        return retry.call(
            lambda: self.run_once(function, *arguments),
            on=BrokenProcessPool,
            backoff=retry.AT_ONCE,
            tries=TRIES,
            before_next=lambda: log(
                WRITER_DIED, "the process that writes files died; another one tries again"
            ),
        )
