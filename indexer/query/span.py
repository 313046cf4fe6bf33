"""A span of an answer: what it is, where it lies, and its payload once that has been read. Pure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo
from indexer.read.dialect_fields import Dialect
from indexer.spans.payload import Payload

if TYPE_CHECKING:  # a span of a file needs no store
    from indexer.mastra.otel_table import OtelView

TierName = Literal["published", "indexed", "recent", "hot"]
"""Spans of the Mastra store, files that are indexed, files that are not indexed yet, and spans in
no file."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of spans, as it was when it was indexed or, a recent one, when it was looked at."""

    tier: TierName
    path: str
    """Absolute, as answers show it."""
    info: ParquetFileInfo
    dialect: Dialect
    footer_digest: str | None = None
    """Of a file that is indexed: what tells whether it still is that one."""

    def __hash__(self) -> int:
        """Quick: spans are grouped by their files."""
        return hash(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class HotTable:
    """Hot spans of one moment, with the columns of the decoder; a snapshot may lack some."""

    table: pa.Table
    tier: ClassVar[TierName] = "hot"
    path: ClassVar[None] = None


@dataclass(frozen=True, slots=True, eq=False)
class HotValues:
    """A few hot spans of one moment, by column; times are nanoseconds since 1970."""

    rows: Sequence[Mapping[str, Any]]
    tier: ClassVar[TierName] = "hot"
    path: ClassVar[None] = None


@dataclass(frozen=True, slots=True, eq=False)
class PublishedTable:
    """Spans of the Mastra store, of one moment."""

    view: "OtelView"
    tier: ClassVar[TierName] = "published"
    path: ClassVar[None] = None


Source = DataFile | HotTable | HotValues | PublishedTable
"""What a span is a row of."""
S = TypeVar("S", bound=Source)


UNREADABLE = Payload()
"""Of a span whose file could not be read: the answer says so beside it."""


class Span(NamedTuple):
    """One span. Ids are lowercase hex, times nanoseconds since 1970.

    A tuple, because ten thousand are made for one trace: a frozen dataclass takes six times as
    long to make (measured). Its values come from the index or from ``read`` and are not checked
    again.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    service_name: str
    name: str
    start_time_unix_nano: int
    duration_ns: int
    """As it is stored: back to 1970 where no end is known."""
    status_code: int
    span_kind: int
    source: Source
    row: int
    """Of the source, from 0."""
    value: str | None = None
    """Of the promoted attribute that was asked for."""
    payload: Payload | None = None
    """None before it is read, and where it is not asked for."""

    @property
    def end_time_unix_nano(self) -> int | None:
        """Start plus the signed duration; None for no end, which OTLP says with 0."""
        return self.start_time_unix_nano + self.duration_ns or None

    @property
    def known_duration_ns(self) -> int | None:
        """From start to end; None where one of them is not known."""
        is_known = self.start_time_unix_nano and self.end_time_unix_nano
        return self.duration_ns if is_known else None

    @property
    def identity(self) -> tuple[str, str, int]:
        """What makes two rows one span: see ``spans.identity``."""
        return self.trace_id, self.span_id, self.span_kind

    @property
    def omitted(self) -> Mapping[str, int] | None:
        """What is left out of its payload, where that was read and is beyond the limits."""
        return None if self.payload is None else self.payload.omitted

    def with_payload(self, payload: Payload) -> "Span":
        """The same span with its payload, and with its name as a whole."""
        span = tuple.__new__(Span, (*self[:-1], payload))
        return span if payload.whole_name is None else span._replace(name=payload.whole_name)


def places_by_source(spans: Sequence[Span], *kinds: type[S]) -> dict[S, list[int]]:
    """The places of the spans whose sources are of these kinds, by the source."""
    places_of: dict[S, list[int]] = {}
    for at, span in enumerate(spans):
        if isinstance(span.source, kinds):
            places_of.setdefault(span.source, []).append(at)
    return places_of
