"""How something ended: when, after how long, by which exception or cancellation. Pure."""

from typing import Literal

from indexer.clients.junjo import held
from indexer.clients.junjo.evidence.portable import INTEGER_MAX, is_portable_text
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.clients.junjo.evidence.values import Cancellation, Failure
from indexer.deferred_dataclass import dataclass
from indexer.query.span import Span

Outcome = Literal["completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Timing:
    """When a span was: ISO 8601 in UTC, the years 1 to 9999, and nanoseconds from 0."""

    start_time: str
    end_time: str
    duration_ns: int


def timing(span: Span) -> Timing:
    """A span without an end, or with one before its start, took no time."""
    start = span.start_time_unix_nano
    end = max(span.end_time_unix_nano or start, start)
    return Timing(_time(start), _time(end), min(end - start, INTEGER_MAX))


def failure(source: SourceSpan, reader: AttributeReader) -> Failure | None:
    """By ``error.type`` and what the first exception event says of it."""
    error_type = reader.text("error.type")
    if error_type is None:
        return None
    exceptions = (one.attributes for one in source.events if one.name == "exception")
    first = next(exceptions, {})
    message, stacktrace = first.get("exception.message"), first.get("exception.stacktrace")
    return Failure(
        type=error_type,
        message=message if is_portable_text(message) else None,
        stacktrace=stacktrace if is_portable_text(stacktrace) else None,
    )


def cancellation(reader: AttributeReader) -> Cancellation | None:
    """By ``junjo.cancelled``."""
    if not reader.flag("junjo.cancelled"):
        return None
    reason = reader.text("junjo.cancelled_reason", required=True)
    return Cancellation(reason or "not recorded")


def _time(unix_nano: int) -> str:
    return str(held.time(unix_nano).value)
