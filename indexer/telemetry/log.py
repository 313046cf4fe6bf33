"""Every log event of this program, as a described constant, and the two ways to write one."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TextIO

from indexer.deferred_dataclass import dataclass
from indexer.system.terminal_text import escape_lines, escape_text

if TYPE_CHECKING:
    from rich.console import Console

LOGGER = logging.getLogger("indexer")


@dataclass(frozen=True, slots=True)
class Event:
    """A kind of log line; ``description`` says when it is written."""

    name: str
    level: int
    description: str


WORKER_STARTED = Event("worker.started", logging.INFO, "The worker owns the catalog and watches.")
WORKER_STOPPING = Event(
    "worker.stopping", logging.INFO, "Asked to stop, the worker finishes what is in hand."
)
WORKER_STOPPED = Event("worker.stopped", logging.INFO, "The worker has drained and closed.")
TASK_DIED = Event(
    "task.died",
    logging.ERROR,
    "A part of the process died; it is begun again, or the process ends with the reason.",
)
STOP_TIMED_OUT = Event(
    "stop.timed_out",
    logging.ERROR,
    "A thread did not come back in time and the process ended without it; what is committed stays.",
)
SOCKET_MADE_AGAIN = Event(
    "socket.made_again", logging.WARNING, "Somebody deleted the socket of commands."
)
INDEX_STALLED = Event(
    "index.stalled", logging.ERROR, "The index thread does not come round: nothing is indexed."
)
INDEX_RESUMED = Event("index.resumed", logging.INFO, "The index thread comes round again.")
INDEX_FAULT = Event(
    "index.fault", logging.ERROR, "The index thread met a fault of this program; it goes on later."
)
INGESTION_STARTED = Event(
    "ingestion.started", logging.INFO, "The ingestion has its log open and listens."
)
INGESTION_STOPPING = Event(
    "ingestion.stopping", logging.INFO, "Asked to stop, the ingestion writes its log to a file."
)
INGESTION_STOPPED = Event("ingestion.stopped", logging.INFO, "The ingestion has flushed all.")
POLL_STARTED = Event("poll.started", logging.INFO, "A remote ingestion service is polled.")
POLL_STOPPING = Event(
    "poll.stopping", logging.INFO, "Asked to stop, the poller finishes the batch in hand."
)
POLL_STOPPED = Event("poll.stopped", logging.INFO, "The batch in hand is finished, the key saved.")
SPANS_CLIPPED = Event(
    "spans.clipped",
    logging.WARNING,
    "Spans of a log of an older version, or of another service, hold more than one may; the first "
    "of their attributes, events and links are kept, and their counts of dropped ones raised.",
)
POLL_FAILED = Event(
    "poll.failed", logging.WARNING, "A batch was not read or not written; it is tried again."
)
SPANS_POLLED = Event("spans.polled", logging.INFO, "Polled spans became a Parquet file.")
SPAN_REFUSED = Event(
    "span.refused",
    logging.ERROR,
    "A polled span does not decode or has no identity; it is kept in a file beside the state.",
)
HOT_REACHED = Event("hot.reached", logging.INFO, "The ingestion service answers.")
HOT_UNREACHABLE = Event(
    "hot.unreachable", logging.WARNING, "The ingestion service has not answered yet."
)
HOT_LOST = Event("hot.lost", logging.WARNING, "The ingestion service answers no more.")
HOT_ENDING = Event(
    "hot.ending", logging.INFO, "The ingestion service is being stopped, and will answer no more."
)
HOT_LOOK_FAILED = Event(
    "hot.look_failed",
    logging.WARNING,
    "Files were not confirmed; the catalog is being opened again, or the cause is in the message.",
)
SPANS_LOST = Event(
    "spans.lost",
    logging.ERROR,
    "Spans left the hot tier and did not reach the index. While nobody asks, some of the oldest "
    "hot spans are watched for it, else all.",
)
WATCH_FAILED = Event("watch.failed", logging.WARNING, "File events are not available; it sweeps.")
WATCH_RESUMED = Event("watch.resumed", logging.INFO, "File events are available again.")
WATCH_RESTARTED = Event(
    "watch.restarted",
    logging.WARNING,
    "A watch for file events ended and another one is set up; a sweep finds what it missed.",
)
SWEEP_DONE = Event("sweep.done", logging.DEBUG, "The storage was listed and compared.")
STORAGE_DOUBTFUL = Event(
    "storage.doubtful", logging.WARNING, "Part of the storage is not visible; nothing is removed."
)
FILES_REGISTERED = Event("files.registered", logging.INFO, "A transaction added files.")
FILES_REMOVED = Event("files.removed", logging.INFO, "A transaction removed files.")
ROWS_REJECTED = Event(
    "rows.rejected", logging.WARNING, "Rows of a file have no valid IDs; its others are indexed."
)
FILE_QUARANTINED = Event("file.quarantined", logging.WARNING, "A file was refused.")
ATTRIBUTES_PROMOTED = Event(
    "attributes.promoted", logging.DEBUG, "A transaction added attributes of files."
)
ATTRIBUTES_UNREADABLE = Event(
    "attributes.unreadable", logging.WARNING, "A file's attributes cannot be read; spans can."
)
FILE_FAULT = Event(
    "file.fault", logging.ERROR, "A file meets a fault of this program, and is refused for it."
)
FILES_SUSPECTED = Event(
    "files.suspected",
    logging.WARNING,
    "The process died as it read files; each of them is tried in a process of its own first.",
)
FILE_POSTPONED = Event("file.postponed", logging.DEBUG, "A file is tried again later.")
CATALOG_FAILED = Event("catalog.failed", logging.ERROR, "A commit failed; it is retried.")
CATALOG_RESUMED = Event("catalog.resumed", logging.INFO, "The catalog takes commits again.")
CATALOG_DELETED = Event(
    "catalog.deleted", logging.ERROR, "The catalog's files are gone under the running worker."
)
LOCK_MADE_AGAIN = Event(
    "lock.made_again", logging.WARNING, "Somebody deleted the lock file of the catalog."
)
POINTER_MADE_AGAIN = Event(
    "pointer.made_again", logging.WARNING, "Somebody deleted the link to the catalog."
)
CATALOG_REBUILT = Event("catalog.rebuilt", logging.INFO, "A new generation was published.")
HTTP_FAILED = Event("http.failed", logging.ERROR, "A request met a fault of this program.")
TRACES_STARTED = Event("traces.started", logging.INFO, "The service sends its own traces.")
TRACES_TO_ITSELF = Event(
    "traces.to_itself", logging.WARNING, "The service sends its own traces to its own receiver."
)
TRACES_FAILED = Event(
    "traces.failed", logging.WARNING, "A collector does not take the service's own traces."
)
CANARY_LOST = Event(
    "canary.lost", logging.WARNING, "A canary span was not accepted, or no question found it."
)
SETTINGS_IGNORED = Event(
    "settings.ignored",
    logging.WARNING,
    "Variables with a prefix of ours are not settings of this program.",
)
RUN_STOPPING = Event(
    "run.stopping", logging.INFO, "Asked to stop, a one-shot run finishes the transaction in hand."
)
PROGRESS = Event("progress", logging.INFO, "How far a one-shot run is.")


def log(event: Event, message: str, **fields: Any) -> None:
    """Write one event. ``fields`` are its facts; ``message`` is for people."""
    LOGGER.log(event.level, message, extra={"event": event.name, "fields": fields})


def log_fault(event: Event, message: str, fault: BaseException, **fields: Any) -> None:
    """Write what should not have happened, with its traceback."""
    extra = {"event": event.name, "fields": fields}
    LOGGER.log(event.level, message, extra=extra, exc_info=fault)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's facts."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class MessageFormatter(logging.Formatter):
    """The message on one line, escaped for a terminal; a traceback's lines below it, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """No line but the first begins where an event does."""
        line = escape_text(record.getMessage())
        if record.exc_info:
            line += "\n  " + escape_lines(self.formatException(record.exc_info))
        return line


class TextFormatter(MessageFormatter):
    """A plain line: time, level, message."""

    def format(self, record: logging.LogRecord) -> str:
        """Date and time to the millisecond, UTC (RFC 3339)."""
        time = datetime.fromtimestamp(record.created, UTC)
        moment = f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"
        return f"{moment} {record.levelname.lower():<7} {super().format(record)}"


class StandardError(logging.StreamHandler[TextIO]):
    """Lines on standard error as it is at the moment."""

    console: "Console | None" = None
    """What is drawn on, and lines go above, for as long as something is."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, whatever its length."""
        if self.console is not None:
            self.console.out(self.format(record), highlight=False)
            return
        self.stream = sys.stderr
        super().emit(record)


def error_console() -> "Console":
    """The console of standard error: log lines go above what is drawn on it."""
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it

    found = (getattr(handler, "console", None) for handler in LOGGER.handlers)
    return next(filter(None, found), None) or Console(stderr=True)


@contextmanager
def drawing_on(console: "Console") -> Iterator[None]:
    """Have every log line written above what is drawn on the console of standard error."""
    plain = [handler for handler in LOGGER.handlers if isinstance(handler, StandardError)]
    for handler in plain:
        handler.console = console
    try:
        yield
    finally:
        for handler in plain:
            handler.console = None


def configure(style: Literal["auto", "text", "json", "rich"], level: str) -> None:
    """Send events to standard error."""
    if style == "rich" or (style == "auto" and sys.stderr.isatty()):
        from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
        from rich.logging import RichHandler  # noqa: PLC0415 - same

        console = Console(stderr=True)
        handler: logging.Handler = RichHandler(
            console=console, show_path=False, log_time_format="[%X]"
        )
        handler.setFormatter(MessageFormatter())
    else:
        handler = StandardError()
        handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    LOGGER.handlers = [handler]
    LOGGER.setLevel(level.upper())
    LOGGER.propagate = False
