"""What the hot tier answers, and the bounds within which it may: values without behaviour."""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

MIB = 1024 * 1024

Generation = Literal["incremental", "snapshot", "stream"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HotView:
    """The hot spans of one moment.

    An answer that joins them is complete only when nothing is ``bounded`` and there are no
    ``problems``. Ids in ``table`` are real and lowercase; a span may occur twice in it.
    """

    table: pa.Table
    """Columns by name as the decoder has them; a snapshot may lack some."""
    as_of_unix_nano: int
    """Every span acknowledged before is here, in a recent file or in the index."""
    recent_files: tuple[str, ...]
    """Absolute paths below the storage root of files that may not be indexed yet, newest first."""
    source: Generation
    bounded: bool
    """The server's list of recent files may have lost some, or there is no such list."""
    problems: tuple[str, ...] = ()
    """What is left out, or was refused, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotLimits:
    """Bounds of the hot tier. A bound that is met is told, never passed over in silence."""

    deadline_s: float = 2.0
    """Of one refresh: a dashboard's patience."""
    first_deadline_s: float = 60.0
    """Of a refresh that may have to load everything: a million spans at 30,000 a second take half
    of it (measured). It goes on behind the queries, which are refused at once meanwhile."""
    message_bytes_max: int = 64 * MIB
    """Of one gRPC message."""
    buffer_bytes_max: int = 256 * MIB
    """Of decoded spans in memory: about half a million."""
    snapshot_bytes_max: int = 256 * MIB
    """Of a snapshot's file; decoded it may have ``buffer_bytes_max``."""
    rows_max: int = 2_000_000
    """Of a snapshot or a stream: what decodes within a deadline at all."""
    recent_files_max: int = 1_000
    """Each costs two questions to the file system, 20 microseconds together."""
    choice_s: float = 60.0
    """So long the server is taken for what it was: a restarted one may have learnt a better way,
    and asking in vain costs a millisecond."""
