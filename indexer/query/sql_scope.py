"""What a statement of SQL is asked over, and what its views say that they cover: plain values.

A statement that names no view of spans loads no more than these.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from indexer.deferred_dataclass import dataclass
from indexer.query.limits import VIEW_FILES_MAX

if TYPE_CHECKING:
    import pyarrow as pa

    from indexer.query.missing import Missing
    from indexer.query.payload_functions import UnseenFiles

OTEL_SPANS = "otel_spans"
"""Made for a session whose SQL names it, or a view of a dialect that is made of it."""
UNINDEXED_SPANS = "unindexed_spans"
"""Spans that the index does not have, with its columns: Arrow that a session has registered."""
REPLACED_SPANS = "replaced_spans"
"""Spans of the index that have a published record, by their IDs and kind: Arrow as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlViews:
    """Views that a dialect of clients makes of ``otel_spans``, in whose session they are made."""

    names: tuple[str, ...]
    statements: Callable[[Collection[str]], Sequence[str]]
    """CREATE statements of those that are named."""
    events: Mapping[str, str] = field(default_factory=dict)
    """The event of which a view shows nothing else, by the view: it is made of the spans of
    ``with_event``."""


def with_event(name: str) -> str:
    """The view of ``otel_spans`` of all files that may have an event of this name."""
    return f"{OTEL_SPANS}_with_{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which files the views cover: those with spans in [since, until), newest first.

    Hot spans are as one file. ``files_max`` counts files of the index.
    """

    since_unix_nano: int | None = None
    until_unix_nano: int | None = None
    files_max: int = VIEW_FILES_MAX

    @property
    def sql(self) -> str:
        """The condition on files of the index, without parameters: each costs a millisecond."""
        conditions = ["true"]
        if self.since_unix_nano is not None:
            last = _beyond("max_time", ">=", "end_time_unix_nano", self.since_unix_nano)
            conditions.append(last)
        if self.until_unix_nano is not None:
            first = _beyond("min_time", "<", "start_time_unix_nano", self.until_unix_nano)
            conditions.append(first)
        return " AND ".join(conditions)

    def covers(self, first_unix_nano: int, last_unix_nano: int) -> bool:
        """Whether a file is covered whose spans start and end there."""
        is_late = self.since_unix_nano is None or last_unix_nano >= self.since_unix_nano
        return is_late and (self.until_unix_nano is None or first_unix_nano < self.until_unix_nano)


def _beyond(column: str, sign: str, of_trace: str, unix_nano: int) -> str:
    """Whether a time of a file is beyond a bound.

    The index has it to the microsecond below. In the one that a bound of more digits is in, traces
    of the file say the rest.
    """
    micros, more = divmod(unix_nano, 1_000)
    time = f"make_timestamptz({micros})"
    if not more:
        return f"{column} {sign} {time}"
    files = f"SELECT file_id FROM parquet_files WHERE {column} = {time}"
    exact = f"{of_trace} {sign} {unix_nano} AND file_id IN ({files})"
    within = f"file_id IN (SELECT file_id FROM trace_files WHERE {exact})"
    return f"({column} {sign.rstrip('=')} {time} OR {within})"


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRows:
    """What hot spans are."""

    parts: "Sequence[tuple[pa.Table, int]]"
    """Rows of the index, whose ``file_row_number`` is the place among so many rows of the part."""
    lacking_in: str | None = None
    """The path of a catalog that has none of the spans, each of which is there once then; None
    where that is not known of any."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Hot spans of one moment that a session is given."""

    rows: Callable[[], HotRows]
    """What they are. Raises HotUnavailable."""
    columns: "Callable[[Sequence[str]], pa.Table]"
    """Of all rows of all parts some columns that there are, by the decoder's names. Raises
    HotUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unindexed:
    """What the hot tier said before the catalog of the session was as it is."""

    recent_paths: Sequence[str] = ()
    """Absolute, newest first, of files that the index may not have."""
    hot: HandedOver | None = None
    """None without hot spans."""
    published: "Callable[[Sequence[str]], pa.Table] | None" = None
    """None without published spans."""


NOTHING_UNINDEXED = Unindexed()
"""Of a catalog without a worker, which has all that there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which views the SQL names, and how many of the files that match the window they read."""

    views: tuple[str, ...]
    files: int
    matching: int
    missing: "tuple[Missing, ...]" = ()
    """Files whose payload could not be read: it is NULL."""
    unseen: "UnseenFiles | None" = field(default=None, compare=False)
    """Files that are worth a look."""
