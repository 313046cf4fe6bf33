"""What the hot tier answers, and the bounds within which it may."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.hot.identity import keys_of
from indexer.hot.metadata import HotMetadata, ReadColumns
from indexer.spans.identity import SpanKeys
from indexer.system import arrow_compute as pc
from indexer.wire.limits import ANSWER_BYTES_MAX, RECENT_FILES_MAX

MIB = 1024 * 1024

Generation = Literal["incremental", "snapshot", "stream"]
HotRow = dict[str, Any]
"""A hot span by column, as ``otlp.span_rows`` has it."""


class HotRows(Protocol):
    """Hot spans, for any thread: columns by name as the decoder has them; a snapshot may lack some.

    Ids are real and in lowercase hex; a span may occur twice.
    """

    def table(self) -> pa.Table:
        """All of them. The first call may take as long as decoding takes."""
        ...

    def trace(self, trace_id: str) -> pa.Table:
        """Those of one trace, by 32 hex digits."""
        ...

    def few(self, trace_id: str, *, may_wait: bool) -> list[HotRow] | None:
        """Those of one trace as values: times are nanoseconds since 1970.

        None where they are many, where the decoder's columns are not those of ``SPAN_SCHEMA``, and
        for who may not wait until it is known where they are: ``trace`` has them.
        """
        ...

    def count(self) -> int:
        """How many there are, as their server says while they are not decoded."""
        ...

    def identities(self) -> SpanKeys:
        """What identifies each of them; nothing is decoded for it."""
        ...

    def metadata(self, read: ReadColumns) -> Sequence[HotMetadata]:
        """What each of them is, in parts in the order of ``table``; no payload is decoded for it.

        What is the same as before is the same value. ``read`` is the same one each time.
        """
        ...

    @property
    def nbytes(self) -> int:
        """Memory that ``table`` may take at most."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class DecodedRows:
    """Hot spans that are a table."""

    rows: pa.Table

    def table(self) -> pa.Table:
        """All of them."""
        return self.rows

    def trace(self, trace_id: str) -> pa.Table:
        """Those of one trace."""
        if not self.rows.num_rows:
            return self.rows
        return self.rows.filter(pc.equal(self.rows["trace_id"], trace_id.lower()))

    def few(self, trace_id: str, *, may_wait: bool) -> list[HotRow] | None:  # noqa: ARG002
        """None: they are looked through, and need not have all columns."""
        return None if self.rows.num_rows else []

    def count(self) -> int:
        """How many there are."""
        return int(self.rows.num_rows)

    def identities(self) -> SpanKeys:
        """What identifies each of them."""
        return keys_of(self.rows)

    def metadata(self, read: ReadColumns) -> Sequence[HotMetadata]:
        """What each of them is."""
        return [HotMetadata.of(self.rows, read)]

    @property
    def nbytes(self) -> int:
        """Memory of the table."""
        return int(self.rows.nbytes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HotView:
    """The hot spans of one moment.

    An answer that joins them is complete only when nothing is ``bounded`` and there are no
    ``problems``.
    """

    rows: HotRows
    as_of_unix_nano: int
    """Every span acknowledged before is here, in a recent file or in the index."""
    recent_files: tuple[str, ...]
    """Absolute paths below the storage root of files that may not be indexed yet, newest first."""
    source: Generation
    bounded: bool
    """The server's list of recent files may have lost some, or there is no such list; and no
    listing of the storage has made up for it."""
    problems: tuple[str, ...] = ()
    """What is left out, or was refused, in words."""

    def with_rows(self, rows: HotRows, as_of_unix_nano: int) -> "HotView":
        """The same, but for these; quicker than ``replace``."""
        return HotView(
            rows=rows,
            as_of_unix_nano=as_of_unix_nano,
            recent_files=self.recent_files,
            source=self.source,
            bounded=self.bounded,
            problems=self.problems,
        )

    @property
    def table(self) -> pa.Table:
        """All rows."""
        return self.rows.table()

    def trace(self, trace_id: str) -> pa.Table:
        """The rows of one trace, without decoding the others."""
        return self.rows.trace(trace_id)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HotOutline:
    """What an ingestion says of its log; of the hot spans themselves only a sample is here."""

    wal_id: str
    newest_key: bytes
    """Of the last acknowledged request."""
    flushed_key: bytes
    """Requests up to this key are in files."""
    span_count: int
    """Of all requests that are in no file."""
    recent_files: tuple[str, ...]
    """As those of a view."""
    bounded: bool
    """As that of a view, for want of files."""
    sample: SpanKeys
    """The oldest hot spans, as many as one message has; none unless they were asked for."""
    sampled_key: bytes
    """Of the last request of the sample; empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotLimits:
    """Bounds of the hot tier. A bound that is met is told, never passed over in silence."""

    deadline_s: float = 2.0
    """Of one refresh: a dashboard's patience."""
    first_deadline_s: float = 60.0
    """Of a refresh that may have to load everything: a million spans at 30,000 a second take half
    of it (measured). It goes on behind the queries, which are refused at once meanwhile."""
    message_bytes_max: int = ANSWER_BYTES_MAX
    """Of one gRPC message."""
    buffer_bytes_max: int = 256 * MIB
    """Of hot spans in memory: about half a million."""
    snapshot_bytes_max: int = 256 * MIB
    """Of a snapshot's file; decoded it may have ``buffer_bytes_max``."""
    rows_max: int = 2_000_000
    """Of a snapshot or a stream: what decodes within a deadline at all."""
    recent_files_max: int = RECENT_FILES_MAX
    """Each costs two questions to the file system, 20 microseconds together."""
    choice_s: float = 60.0
    """So long the server is taken for what it was: a restarted one may have learnt a better way,
    and asking in vain costs a millisecond."""
