"""A command that runs in this process takes over what it logs; whoever comes next has it as before."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.telemetry.log import LOGGER


@contextmanager
def logging_as_before() -> Iterator[None]:
    """After the block loggers, warnings and the ends of threads go where they went."""
    root, hook = logging.getLogger(), threading.excepthook
    before = [(one, one.handlers, one.level, one.propagate) for one in (root, LOGGER)]
    try:
        yield
    finally:
        for logger, handlers, level, propagate in before:
            if logger.handlers is not handlers:
                logger.handlers = handlers
            logger.setLevel(level)
            logger.propagate = propagate
        logging.captureWarnings(capture=False)
        threading.excepthook = hook
