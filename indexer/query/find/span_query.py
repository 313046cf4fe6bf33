"""Which spans a list is of, and in which order. Pure.

A list is in order of start, newest first, or of duration, slowest first and the newest of equal
ones; then of trace id, span id and kind: an order without ties, so that a page begins after the
last span of the one before it, whatever has arrived meanwhile ("keyset" paging).
"""

import json
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused
from indexer.query.find.condition_tree import Condition, payload_leaves, refuse_too_large
from indexer.query.find.span_conditions import ANY_SPAN, SpanConditions
from indexer.query.window import Window

if TYPE_CHECKING:  # a command that asks the worker loads no Arrow
    from indexer.query.span import Span

LIMIT_DEFAULT = 500
LIMIT_MAX = 10_000
"""Spans of one page: what the seeds' endpoints have allowed."""
OFFSET_MAX = 100_000
"""Spans that a page may skip by counting: they are found and thrown away. A cursor skips none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the order of a list: that of one span."""

    start_time_unix_nano: int
    trace_id: str
    span_id: str
    span_kind: int
    duration_ns: int | None = None
    """Of a list by duration."""

    @property
    def before(self) -> "Position":
        """A place before it and after every span that is earlier."""
        return replace(self, span_kind=max(self.span_kind - 1, _KIND_MIN))


_KIND_MIN = -(1 << 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanQuery:
    """The spans of one page. What is None or False does not narrow."""

    service: str | None = None
    roots: bool = False
    llm: bool = False
    """Only spans whose trace has an LLM call, in any service."""
    llm_in_service: bool = False
    """And that in the service of the query."""
    attribute: str | None = None
    """A promoted attribute that the span has."""
    value: str | None = None
    """And its value."""
    slowest: bool = False
    """The slowest first, not the newest."""
    conditions: SpanConditions = ANY_SPAN
    """What the span itself is."""
    where: Condition | None = None
    """And what else it has to be, its payload included. Not together with ``llm``, ``attribute``
    or ``offset``."""
    trace_ids: frozenset[str] | None = None
    """Only of these traces, which a cursor does not remember."""
    since_unix_nano: int | None = None
    """Starts at or after it."""
    until_unix_nano: int | None = None
    """Starts before it."""
    counted_from_unix_nano: int | None = None
    """What relative times among its words count from, which the cursor hands on; None without."""
    offset: int = 0
    limit: int = LIMIT_DEFAULT
    after: Position | None = None
    as_of_unix_nano: int | None = None
    """The moment that the list's first page is of, which the cursor hands on; None of that page,
    and where no hot tier has said one."""

    def __post_init__(self) -> None:
        _bounded("limit", self.limit, 1, LIMIT_MAX)
        _bounded("offset", self.offset, 0, OFFSET_MAX)
        if self.where is not None:
            refuse_too_large(self.where)
            if self.llm or self.attribute is not None or self.offset:
                raise QueryRefused(
                    "conditions of a search are not joined with other filters of lists",
                    hint="Use the cursor of the previous page, and conditions on attributes.",
                )

    def order(self, span: "Span") -> tuple[int, int, str, str, int]:
        """The place of a span in the list; smaller is earlier."""
        slowness = -span.duration_ns if self.slowest else 0
        return slowness, -span.start_time_unix_nano, span.trace_id, span.span_id, span.span_kind

    def place(self, at: Position) -> tuple[int, int, str, str, int]:
        """The same of a position."""
        slowness = -(at.duration_ns or 0) if self.slowest else 0
        return slowness, -at.start_time_unix_nano, at.trace_id, at.span_id, at.span_kind

    @property
    def asks_payload(self) -> bool:
        """Whether the index alone cannot tell which spans they are."""
        return self.where is not None and bool(payload_leaves(self.where))

    def position(self, span: "Span") -> Position:
        """The same as a place to go on from."""
        return Position(
            start_time_unix_nano=span.start_time_unix_nano,
            trace_id=span.trace_id,
            span_id=span.span_id,
            span_kind=span.span_kind,
            duration_ns=span.duration_ns if self.slowest else None,
        )

    @property
    def window(self) -> Window:
        """The time bounds."""
        return Window(since_unix_nano=self.since_unix_nano, until_unix_nano=self.until_unix_nano)

    @property
    def page(self) -> slice:
        """Which of the spans that are found are the page."""
        return slice(self.offset, self.offset + self.limit)

    @property
    def count(self) -> int:
        """Spans to find: the skipped ones, the page, and one that tells whether there are more."""
        return self.offset + self.limit + 1

    @property
    def fingerprint(self) -> str:
        """What the list is of, wherever the page is."""
        said = (self.service, self.roots, self.llm, self.attribute, self.value)
        bounds = (self.since_unix_nano, self.until_unix_nano)
        conditions = () if self.conditions == ANY_SPAN else self.conditions.values
        order = ("slowest",) if self.slowest else ()
        where = () if self.where is None else (repr(self.where),)
        own = ("llm in service",) if self.llm_in_service else ()
        text = json.dumps([*said, *bounds, *conditions, *order, *where, *own]).encode(
            "utf-8", "surrogatepass"
        )
        return blake2b(text, digest_size=6).hexdigest()


def _bounded(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise QueryRefused(
            f"{name} is {value}, expected {least} to {most}",
            hint="Use the cursor of the previous page to go on.",
        )
