"""A rate limit for log lines that clients and libraries cause: one a minute of each kind, counted.

Libraries' own lines pass through this program's log, in its form and at its level, so that JSON
logs are JSON alone.
"""

import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Hashable

from indexer.telemetry.log import LOGGER, Event, log

QUIET_S = 60.0
KINDS_MAX = 1_000
"""Kinds that are remembered. Templates of libraries are finite; this bounds them all the same."""


class Occurrences:
    """Counts by kind; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: dict[Hashable, tuple[float, int]] = {}

    def due(self, kind: Hashable) -> int:
        """How many to report now, this one included: 0 within a minute of the last report."""
        now_s = time.monotonic()
        with self._lock:
            reported_s, pending = self._kinds.get(kind, (-QUIET_S, 0))
            if now_s - reported_s < QUIET_S:
                self._kinds[kind] = (reported_s, pending + 1)
                return 0
            if len(self._kinds) >= KINDS_MAX:
                self._kinds.clear()
            self._kinds[kind] = (now_s, 0)
            return pending + 1


_OCCURRENCES = Occurrences()


def log_rarely(event: Event, message: str) -> None:
    """Write the first event of its kind at once, and then one a minute with how many there were."""
    if count := _OCCURRENCES.due(event.name):
        log(event, message if count == 1 else f"{message} ({count} times)", count=count)


class _OnceAMinute(logging.Filter):
    """Of each kind of line of a library one a minute, whatever its arguments are."""

    def filter(self, record: logging.LogRecord) -> bool:
        count = _OCCURRENCES.due((record.name, record.levelno, str(record.msg)[:200]))
        if count > 1:
            record.msg, record.args = f"{record.getMessage()} ({count} times)", ()
        return count > 0


def capture_library_logs() -> None:
    """Send what libraries log, warn and leave uncaught to this program's handler.

    Call it after ``telemetry.log.configure``. gRPC's core writes to standard error itself, in its
    own form: it is silenced, because its errors are raised as well.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    root = logging.getLogger()
    (own,) = LOGGER.handlers
    handler = _Forward(own)
    handler.addFilter(_OnceAMinute())
    root.handlers = [handler]
    root.setLevel(max(LOGGER.level, logging.WARNING))
    logging.captureWarnings(capture=True)
    warnings.simplefilter("default")
    threading.excepthook = _log_thread_end


class _Forward(logging.Handler):
    """Hands records to another handler, behind a filter of its own."""

    def __init__(self, target: logging.Handler) -> None:
        super().__init__()
        self._target = target

    def emit(self, record: logging.LogRecord) -> None:
        self._target.handle(record)


def _log_thread_end(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_type is SystemExit:
        return
    name = arguments.thread.name if arguments.thread else "unknown"
    error = arguments.exc_value or arguments.exc_type()
    LOGGER.error(
        "the thread %s ended by %s",
        name,
        type(error).__name__,
        exc_info=(arguments.exc_type, error, arguments.exc_traceback),
    )


def log_uncaught(error: BaseException) -> None:
    """A fault that ends the program, in the log's form, or plainly before the log has one."""
    if LOGGER.handlers:
        LOGGER.critical("ended by %s: %s", type(error).__name__, error, exc_info=error)
    else:
        sys.stderr.write(f"error: {type(error).__name__}: {error}\n")
