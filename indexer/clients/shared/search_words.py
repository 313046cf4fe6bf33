"""A search for spans as clients write it, over HTTP and on the command line, as a query.

Words that the index can answer of every span are its own; others are conditions on payload.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from indexer.clients.shared.attribute_words import SYNTAX, attribute_condition
from indexer.clients.shared.text_limits import TEXT_CHARS_MAX
from indexer.clients.shared.time_texts import BOUND_CHARS_MAX, unix_nano
from indexer.query.find.condition_tree import CONDITIONS_MAX, AllOf, Condition
from indexer.query.find.cursor import page_after
from indexer.query.find.payload_conditions import TextCondition
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import LIMIT_MAX, SpanQuery

SPANS_DEFAULT = 100
Kind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
Status = Literal["unset", "ok", "error"]
KINDS: tuple[str, ...] = get_args(Kind)
STATUSES: tuple[str, ...] = get_args(Status)
"""Each at the place of OTLP's number."""

_INT64_MAX = 2**63 - 1
_NANOS_PER = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
DURATION = r"^[0-9]{1,18}(\.[0-9]{1,18})?(ns|us|ms|s|m|h)$"
Text = Annotated[str | None, Field(max_length=TEXT_CHARS_MAX)]
Duration = Annotated[
    str | None, Field(pattern=DURATION, description="Such as `20ms`, `1.5s`, `2m`, `1h`.")
]
AttributeText = Annotated[str, Field(max_length=2 * TEXT_CHARS_MAX)]
Time = Annotated[
    str | None,
    Field(
        max_length=BOUND_CHARS_MAX,
        description="A time of RFC 3339, UTC unless it says otherwise, or nanoseconds since 1970.",
    ),
]


class SpanWords(BaseModel):
    """What a span has to be. All of them hold; what is left out does not narrow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: Text = None
    name: Text = None
    name_prefix: Text = None
    name_contains: Text = None
    kind: Kind | None = None
    status: Status | None = None
    min_duration: Duration = None
    max_duration: Duration = None
    since: Time = Field(None, description="The span starts at or after it.")
    until: Time = Field(None, description="The span starts before it.")
    roots: bool = Field(False, description="Only spans without a parent.")
    text: Text = Field(
        None,
        description="In small letters or capitals somewhere in the name, the status message, the "
        "values of attributes, or the names and attribute values of events.",
    )

    @property
    def span_conditions(self) -> SpanConditions:
        """What the words say of the span itself."""
        return SpanConditions(
            name=self.name,
            name_prefix=self.name_prefix,
            name_contains=self.name_contains,
            span_kind=None if self.kind is None else KINDS.index(self.kind),
            status_code=None if self.status is None else STATUSES.index(self.status),
            min_duration_ns=_nanoseconds(self.min_duration, ROUND_CEILING),
            max_duration_ns=_nanoseconds(self.max_duration, ROUND_FLOOR),
        )

    def payload_conditions(self) -> list[Condition]:
        """What they say of its payload. Raises QueryRefused."""
        return [] if self.text is None else [TextCondition(text=self.text)]


class PageWords(BaseModel):
    """Which page of a search, and in which order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: Literal["newest", "slowest"] = "newest"
    limit: int = Field(SPANS_DEFAULT, ge=1, le=LIMIT_MAX)
    cursor: str | None = Field(None, description="What `next_cursor` of the page before said.")

    def page_of(self, words: SpanWords, where: list[Condition]) -> SpanQuery:
        """The page of spans that meet the words and the conditions.

        Raises QueryRefused for an invalid time, and for a cursor of another search.
        """
        query = SpanQuery(
            service=words.service,
            roots=words.roots,
            slowest=self.order == "slowest",
            conditions=words.span_conditions,
            where=AllOf(tuple(where)) if where else None,
            since_unix_nano=unix_nano(words.since),
            until_unix_nano=unix_nano(words.until),
            limit=self.limit,
        )
        return query if self.cursor is None else page_after(query, self.cursor)


class UrlWords(SpanWords):
    """What a span has to be, in a URL or on the command line."""

    attr: list[AttributeText] = Field(
        [], max_length=CONDITIONS_MAX, description="Each holds. " + SYNTAX
    )

    def where(self) -> list[Condition]:
        """What they say of its payload, attributes included. Raises QueryRefused."""
        return [*map(attribute_condition, self.attr), *self.payload_conditions()]


class SearchWords(UrlWords, PageWords):
    """A search there."""

    def query(self) -> SpanQuery:
        """Raises QueryRefused for an invalid time or attribute, and for another search's cursor."""
        return self.page_of(self, self.where())


class TailWords(UrlWords):
    """New spans that somebody follows there."""

    def query(self) -> SpanQuery:
        """Raises QueryRefused for an invalid time or attribute."""
        return PageWords(limit=SPANS_DEFAULT, cursor=None).page_of(self, self.where())


def _nanoseconds(text: str | None, rounding: str) -> int | None:
    """Whole ones, and no more than a span can last."""
    if text is None:
        return None
    digits = text.rstrip("nsumh")
    exact = Decimal(digits) * _NANOS_PER[text[len(digits) :]]
    return min(int(exact.to_integral_value(rounding)), _INT64_MAX)
