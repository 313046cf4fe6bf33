"""Which spans a question about one trace is about, and in which order. Pure."""

import re
from dataclasses import replace

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidId, QueryRefused
from indexer.query.find.keyset import decode_place, encode_place, fingerprint
from indexer.query.span import Span
from indexer.query.window import Window
from indexer.spans.id_spellings import parse_span_id, parse_trace_id
from indexer.system.duckdb_rows import text_literal

_TRACEPARENT = re.compile("[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2: version, trace ID, parent ID, flags."""
_AS_STORED = re.compile("[0-9a-f]{32}")
"""As the index spells a trace ID, unless all digits are zero."""
_INT64, _INT8 = range(-(2**63), 2**63), range(-(2**7), 2**7)
Place = tuple[int, str, int]
"""Start, span ID and kind: the order of a trace, without ties."""
PAGE_SPANS_MAX = 10_000
"""Of one page of a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceQuery:
    """A trace, or those of its spans that start in [since, until), or that have a span ID.

    Of these there are two where a client's and a server's span share it, as Zipkin's do.
    """

    trace_id: str
    span_id: str | None = None
    since_unix_nano: int | None = None
    until_unix_nano: int | None = None
    limit: int | None = None
    """Spans of one page; None for as many as one answer gives."""
    after: Place | None = None
    """The last span of the page before."""

    @classmethod
    def of(
        cls,
        trace_id: str,
        span_id: str | None = None,
        *,
        since_unix_nano: int | None = None,
        until_unix_nano: int | None = None,
    ) -> "TraceQuery":
        """IDs in any spelling that is taken. Raises InvalidId for text that is none."""
        span = None if span_id is None else f"{span_word(span_id):016x}"
        return cls(
            trace_id=trace_text(trace_id),
            span_id=span,
            since_unix_nano=since_unix_nano,
            until_unix_nano=until_unix_nano,
        )

    @staticmethod
    def order(span: Span) -> tuple[int, str, int]:
        """The place of a span in the answer; smaller is earlier."""
        return span.start_time_unix_nano, span.span_id, span.span_kind

    def page_after(self, limit: int, cursor: str | None) -> "TraceQuery":
        """One page of the trace. Raises QueryRefused for another list's cursor."""
        if cursor is None:
            return replace(self, limit=limit)
        start, span_id, kind = decode_place(self.fingerprint, cursor, (int, str, int))
        after = start, f"{span_word(span_id):016x}", kind
        if start not in _INT64 or kind not in _INT8:
            raise QueryRefused("invalid cursor", hint="Pass back that of the previous page.")
        return replace(self, limit=limit, after=after)

    def cursor_after(self, span: Span) -> str:
        """What a client hands back for the spans after this one."""
        return encode_place(self.fingerprint, self.order(span))

    @property
    def fingerprint(self) -> str:
        """What the pages are of."""
        bounds = self.since_unix_nano, self.until_unix_nano
        return fingerprint("trace", self.trace_id, self.span_id, *bounds)

    @property
    def page(self) -> slice:
        """Which of the spans that are found are the answer."""
        return slice(None) if self.limit is None else slice(self.limit)

    @property
    def is_whole(self) -> bool:
        """Whether it is about all spans of the trace, unless there are too many."""
        asked = self.span_id, self.since_unix_nano, self.until_unix_nano, self.after
        return asked == (None, None, None, None)

    def holds(self, span: Span) -> bool:
        """Whether a span of the trace is asked for."""
        start, since, until = span.start_time_unix_nano, self.since_unix_nano, self.until_unix_nano
        return (
            self.span_id in (None, span.span_id)
            and (since is None or start >= since)
            and (until is None or start < until)
            and (self.after is None or self.order(span) > self.after)
        )

    @property
    def words(self) -> tuple[int, int]:
        """Those of the trace ID."""
        return int(self.trace_id[:16], 16), int(self.trace_id[16:], 16)

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
        if self.after is not None:
            start, span_id, kind = self.after
            place = f"({start}, {int(span_id, 16)}, {kind})"
            where.append(f"start_time_unix_nano >= {start}")
            where.append(f"(start_time_unix_nano, span_id_uint64, span_kind) > {place}")
        return " AND ".join(where)


def trace_text(trace_id: str) -> str:
    """A trace ID as the index has it, of any spelling, also of a ``traceparent`` as logs have it.

    Raises InvalidId for text that is none.
    """
    if _AS_STORED.fullmatch(trace_id) and trace_id.strip("0"):
        return trace_id
    of_context = _TRACEPARENT.fullmatch(trace_id.strip())
    found = parse_trace_id(of_context[1] if of_context else trace_id)
    if found is None:
        raise InvalidId(
            f"invalid trace ID {trace_id!r}",
            hint="Expected 32 hex digits, the first 4 or more, up to 16 of a 64-bit ID, a UUID or "
            "a traceparent; not all zero.",
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
