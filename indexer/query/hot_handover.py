"""Hot spans for a session of SQL in another process: what they are at once, as rows of the index.

Whether the index has some of them is found out here, where most are known to be in none of its
files without a question; the session does so itself where it has. What they have to say is given
column by column to who asks for it.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from weakref import WeakSet

import duckdb
import numpy as np
import pyarrow as pa

from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.hot.metadata import HotMetadata
from indexer.hot.view import HotView
from indexer.query.find.already_indexed import known_spans
from indexer.query.limits import SQL_HOT_BYTES_MAX
from indexer.query.missing import Missing
from indexer.query.tiers.hot_spans import hot_columns, newest_within
from indexer.spans.identifiers import UInt64Array

LARGE_ROWS = 16_384
"""Of a part that is handed over by itself, again and again; what is smaller is joined each time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HotHandover:
    """The hot spans of one moment, as many as a session may have."""

    metadata: Callable[[], Sequence[HotMetadata]]
    """What they are, in parts."""
    table: Callable[[], pa.Table]
    """All rows of the parts with the columns of the decoder. The first call may take as long as
    decoding takes."""
    missing: tuple[Missing, ...] = ()
    """What is not handed over."""

    @classmethod
    def of(cls, view: HotView) -> "HotHandover | None":
        """None without hot spans."""
        if not view.rows.count():
            return None
        if view.rows.nbytes <= SQL_HOT_BYTES_MAX:
            rows = view.rows
            return cls(metadata=partial(rows.metadata, hot_columns), table=rows.table)
        newest, missing = newest_within(view.table, SQL_HOT_BYTES_MAX)
        return cls(
            metadata=lambda: [HotMetadata.of(newest, hot_columns)],
            table=lambda: newest,
            missing=missing,
        )


def large_parts(parts: Sequence[HotMetadata]) -> Sequence[HotMetadata]:
    """The same rows in fewer parts: those behind the last large one are joined."""
    sizes = [part.row_count >= LARGE_ROWS for part in parts]
    end = len(sizes) - sizes[::-1].index(True) if any(sizes) else 0
    small = parts[end:]
    return [*parts[:end], HotMetadata.joined(small)] if len(small) > 1 else parts


class SpansApart:
    """Which hot spans the index has none of, and each of once. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: Hashable = None
        self._apart: WeakSet[HotMetadata] = WeakSet()
        """Parts of which the index of this state has no span."""

    def are_apart(
        self,
        parts: Sequence[HotMetadata],
        cursor: duckdb.DuckDBPyConnection,
        directory: TraceDirectory | None,
        state: Hashable,
    ) -> bool:
        """Whether the index of the cursor's transaction has no span of any part, nor a part twice.

        It is looked up for those of which it is unknown. ``state`` is the same for transactions
        that read the same index.
        """
        with self._lock:
            if state != self._state:
                self._state, self._apart = state, WeakSet()
            apart = self._apart
        for part in parts:
            if part in apart:
                continue
            if known_spans(cursor, part.columns.keys, directory).any():
                return False
            apart.add(part)
        return _are_distinct(parts)


def _are_distinct(parts: Sequence[HotMetadata]) -> bool:
    if any(part.has_copies for part in parts):
        return False
    by_length = sorted(parts, key=lambda part: len(part.sorted_hashes))
    return not any(
        _share(one.sorted_hashes, other.sorted_hashes)
        for at, one in enumerate(by_length)
        for other in by_length[at + 1 :]
    )


def _share(few: UInt64Array, many: UInt64Array) -> bool:
    if not len(few):
        return False
    places = np.searchsorted(many, few)
    places[places == len(many)] = 0
    return bool((many[places] == few).any())
