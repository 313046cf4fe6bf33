"""Which spans a question about one trace is about, and in which order. Pure."""

import re
from dataclasses import dataclass

import numpy as np

from indexer.errors import InvalidId
from indexer.query.span import Span
from indexer.query.window import Window
from indexer.spans.id_spellings import parse_span_id, parse_trace_id
from indexer.spans.identifiers import UInt64Array
from indexer.system.duckdb_rows import text_literal

_TRACEPARENT = re.compile("[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2: version, trace ID, parent ID, flags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceQuery:
    """A trace, or those of its spans that start in [since, until), or that have a span ID.

    Of these there are two where a client's and a server's span share it, as Zipkin's do.
    """

    trace_id: str
    span_id: str | None = None
    since_unix_nano: int | None = None
    until_unix_nano: int | None = None

    @classmethod
    def of(cls, trace_id: str, span_id: str | None = None, **bounds: int | None) -> "TraceQuery":
        """IDs in any spelling that is taken. Raises InvalidId for text that is none."""
        span = None if span_id is None else f"{span_word(span_id):016x}"
        return cls(trace_id=trace_text(trace_id), span_id=span, **bounds)

    @staticmethod
    def order(span: Span) -> tuple[int, str, int]:
        """The place of a span in the answer; smaller is earlier."""
        return span.start_time_unix_nano, span.span_id, span.span_kind

    @property
    def page(self) -> slice:
        """Which of the spans that are found are the answer: all of them."""
        return slice(None)

    @property
    def words(self) -> tuple[UInt64Array, UInt64Array]:
        """Those of the trace ID, as columns have them."""
        high, low = int(self.trace_id[:16], 16), int(self.trace_id[16:], 16)
        return np.array([high], np.uint64), np.array([low], np.uint64)

    @property
    def window(self) -> Window:
        """The time bounds."""
        return Window(since_unix_nano=self.since_unix_nano, until_unix_nano=self.until_unix_nano)

    @property
    def condition(self) -> str:
        """The same as SQL over ``indexed_spans``."""
        where = [f"trace_id = {text_literal(self.trace_id)}"]
        if self.span_id is not None:
            where.append(f"span_id_uint64 = {int(self.span_id, 16)}")
        if self.since_unix_nano is not None:
            where.append(f"start_time_unix_nano >= {self.since_unix_nano}")
        if self.until_unix_nano is not None:
            where.append(f"start_time_unix_nano < {self.until_unix_nano}")
        return " AND ".join(where)


def trace_text(trace_id: str) -> str:
    """A trace ID as the index has it, of any spelling, also of a ``traceparent`` as logs have it.

    Raises InvalidId for text that is none.
    """
    of_context = _TRACEPARENT.fullmatch(trace_id.strip())
    found = parse_trace_id(of_context[1] if of_context else trace_id)
    if found is None:
        raise InvalidId(
            f"invalid trace ID {trace_id!r}",
            hint="Expected 32 hex digits, up to 16 of a 64-bit ID, a UUID or a traceparent; "
            "not all zero.",
        )
    return found


def span_word(span_id: str) -> int:
    """The word of a span ID. Raises InvalidId for text that is none."""
    found = parse_span_id(span_id)
    if found is None:
        raise InvalidId(
            f"invalid span ID {span_id!r}", hint="Expected 16 hex digits, not all zero."
        )
    return int(found, 16)
