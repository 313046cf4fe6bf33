"""The values of a search's words, however they were checked, as what a query says of spans."""

# ruff: noqa: D102 - the words are described where they are declared

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Literal, Protocol, get_args

from indexer.clients.shared.time_texts import QuestionTimes
from indexer.query.find.condition_tree import AllOf, Condition
from indexer.query.find.cursor import ListOf, page_after
from indexer.query.find.payload_conditions import TextCondition
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import SpanQuery

SPANS_DEFAULT = 100
Kind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
Status = Literal["unset", "ok", "error"]
Order = Literal["newest", "slowest"]
KINDS: tuple[str, ...] = get_args(Kind)
STATUSES: tuple[str, ...] = get_args(Status)
"""Each at the place of OTLP's number."""
ORDERS: tuple[str, ...] = get_args(Order)
DURATION = r"^[0-9]{1,18}(\.[0-9]{1,18})?(ns|us|ms|s|m|h)$"
DURATION_WORDS = "a length such as 20ms or 1.5s"

_INT64_MAX = 2**63 - 1
_NANOS_PER = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}


class SpanValues(Protocol):
    """What a span has to be; None does not narrow."""

    @property
    def service(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def name_prefix(self) -> str | None: ...
    @property
    def name_contains(self) -> str | None: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def status(self) -> str | None: ...
    @property
    def min_duration(self) -> str | None: ...
    @property
    def max_duration(self) -> str | None: ...
    @property
    def since(self) -> str | None: ...
    @property
    def until(self) -> str | None: ...
    @property
    def roots(self) -> bool: ...
    @property
    def text(self) -> str | None: ...


class PageValues(Protocol):
    """Which page of a search, and in which order."""

    @property
    def order(self) -> str: ...
    @property
    def limit(self) -> int: ...
    @property
    def cursor(self) -> str | None: ...


def span_conditions(words: SpanValues) -> SpanConditions:
    """What the words say of the span itself."""
    return SpanConditions(
        name=words.name,
        name_prefix=words.name_prefix,
        name_contains=words.name_contains,
        span_kind=None if words.kind is None else KINDS.index(words.kind),
        status_code=None if words.status is None else STATUSES.index(words.status),
        min_duration_ns=_nanoseconds(words.min_duration, ROUND_CEILING),
        max_duration_ns=_nanoseconds(words.max_duration, ROUND_FLOOR),
    )


def payload_conditions(words: SpanValues) -> list[Condition]:
    """What they say of its payload. Raises QueryRefused."""
    return [] if words.text is None else [TextCondition(text=words.text)]


def search_query(
    words: SpanValues,
    where: list[Condition],
    page: PageValues,
    times: QuestionTimes,
    list_of: ListOf,
) -> SpanQuery:
    """The page of spans that meet the words and the conditions, or of the traces that have them.

    Their times were read by ``times``. Raises QueryRefused for an invalid time, and for a cursor of
    another search.
    """
    within = times.window(words.since, words.until)
    query = SpanQuery(
        service=words.service,
        roots=words.roots,
        slowest=page.order == "slowest",
        conditions=span_conditions(words),
        where=AllOf(tuple(where)) if where else None,
        since_unix_nano=within.since_unix_nano,
        until_unix_nano=within.until_unix_nano,
        counted_from_unix_nano=within.counted_from_unix_nano,
        limit=page.limit,
    )
    return query if page.cursor is None else page_after(query, page.cursor, list_of)


def _nanoseconds(text: str | None, rounding: str) -> int | None:
    """Whole ones, and no more than a span can last."""
    if text is None:
        return None
    digits = text.rstrip("nsumh")
    exact = Decimal(digits) * _NANOS_PER[text[len(digits) :]]
    return min(int(exact.to_integral_value(rounding)), _INT64_MAX)
