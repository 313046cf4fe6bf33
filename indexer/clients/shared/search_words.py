"""A search for spans as clients write it over HTTP, checked, as a query.

Words that the index can answer of every span are its own; others are conditions on payload.
"""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from indexer.clients.shared.attribute_words import SYNTAX, attribute_condition
from indexer.clients.shared.search_values import (
    DURATION,
    SPANS_DEFAULT,
    Kind,
    Order,
    Status,
    payload_conditions,
    search_query,
    span_conditions,
)
from indexer.clients.shared.text_limits import TEXT_CHARS_MAX
from indexer.clients.shared.time_texts import BOUND_CHARS_MAX, TIME_WORDS, QuestionTimes
from indexer.query.find.condition_tree import CONDITIONS_MAX, Condition
from indexer.query.find.cursor import ListOf
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import LIMIT_MAX, SpanQuery
from indexer.query.limits import TRACES_MAX

Text = Annotated[str | None, Field(max_length=TEXT_CHARS_MAX)]
Duration = Annotated[
    str | None, Field(pattern=DURATION, description="Such as `20ms`, `1.5s`, `2m`, `1h`.")
]
AttributeText = Annotated[str, Field(max_length=2 * TEXT_CHARS_MAX)]
Time = Annotated[
    str | None,
    Field(max_length=BOUND_CHARS_MAX, description=TIME_WORDS),
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
    since: Time = Field(None, description="The span starts at or after it. " + TIME_WORDS)
    until: Time = Field(None, description="The span starts before it. " + TIME_WORDS)
    roots: bool = Field(False, description="Only spans without a parent.")
    text: Text = Field(
        None,
        min_length=1,
        description="In small letters or capitals somewhere in the name, the status message, the "
        "values of attributes, or the names and attribute values of events.",
    )

    @property
    def span_conditions(self) -> SpanConditions:
        """What the words say of the span itself."""
        return span_conditions(self)

    def payload_conditions(self) -> list[Condition]:
        """What they say of its payload. Raises QueryRefused."""
        return payload_conditions(self)


class PageWords(BaseModel):
    """Which page of a search, and in which order."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    list_of: ClassVar[ListOf] = "spans"

    order: Order = "newest"
    limit: int = Field(SPANS_DEFAULT, ge=1, le=LIMIT_MAX)
    cursor: str | None = Field(None, description="What `next_cursor` of the page before said.")

    @property
    def times(self) -> QuestionTimes:
        """What reads the times of the search: relative ones count from when its first page was."""
        return QuestionTimes(self.cursor)

    def page_of(self, words: SpanWords, where: list[Condition], times: QuestionTimes) -> SpanQuery:
        """The page of spans that meet the words and the conditions.

        Raises QueryRefused for an invalid time, and for a cursor of another search.
        """
        return search_query(words, where, self, times, self.list_of)


class TracePageWords(PageWords):
    """The same of a search for traces that have such a span."""

    list_of: ClassVar[ListOf] = "traces"

    limit: int = Field(SPANS_DEFAULT, ge=1, le=TRACES_MAX)


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
        return self.page_of(self, self.where(), self.times)


class TraceSearchWords(TracePageWords, SearchWords):
    """A search for traces there."""


class TailWords(UrlWords):
    """New spans that somebody follows there."""

    def query(self) -> SpanQuery:
        """Raises QueryRefused for an invalid time or attribute."""
        page = PageWords(limit=SPANS_DEFAULT, cursor=None)
        return page.page_of(self, self.where(), page.times)
