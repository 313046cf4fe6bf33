"""Spans that came since the last look: published and hot ones, and those of files registered since.

Each is there once: one that leaves the hot tier for a file is not new there, and one that was
published is not when it comes over OTLP as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.hot.identity import keys_of
from indexer.query.answers import Answers
from indexer.query.cost import CostAccount
from indexer.query.deadline import ENDED, Deadline
from indexer.query.find.span_query import LIMIT_MAX, SpanQuery
from indexer.query.missing import Missing
from indexer.query.payload import read_spans
from indexer.query.span import Span
from indexer.query.tiers.hot_spans import HotSpans, ask_hot, unindexed_spans
from indexer.query.tiers.published_spans import PublishedSpans
from indexer.query.tiers.recent_files import read_recent_files
from indexer.query.tiers.tier import Tier
from indexer.query.tiers.unindexed_spans import UnindexedSpans, candidates_of
from indexer.spans.identifiers import BoolArray, UInt64Array

SEEN_MAX = 4_000_000
"""Identities that are remembered, 8 bytes each: eight times what the hot tier holds."""
FILES_AT_ONCE = 16
"""Files of one look, 5 ms each at 20,000 spans; the next look goes on."""

_LAST_FILE = "SELECT coalesce(max(file_id), 0) FROM parquet_files"
_NEXT_FILES = """
SELECT file_id, file_path FROM parquet_files WHERE file_id > {after} ORDER BY file_id LIMIT {limit}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSpans:
    """What one look has found."""

    parts: Sequence[UnindexedSpans] = ()
    """Each of so few spans that one page has room for all of them."""
    tiers: Sequence[Tier] = ()
    """What their payload is read from."""
    as_of_unix_nano: int | None = None
    """None without a hot tier that answers."""
    missing: tuple[Missing, ...] = ()
    """What could not be looked into."""

    def matching(self, query: SpanQuery) -> tuple[list[Span], tuple[Missing, ...]]:
        """The spans of a query, the newest last, without payload; and what could not be read."""
        found = candidates_of(self.parts, replace(query, limit=LIMIT_MAX, offset=0), None)
        spans = sorted(found.spans, key=lambda span: span.start_time_unix_nano)
        return spans, found.missing

    def with_payload(self, spans: Sequence[Span]) -> Sequence[Span]:
        """The same spans with their payload. Raises QueryTooLarge."""
        return read_spans(self.tiers, spans, CostAccount()).spans


class SpanFollower:
    """Looks for them, again and again; one thread at a time."""

    def __init__(self, answers: Answers) -> None:
        """What is there at the first look is not new."""
        self._answers = answers
        self._seen: UInt64Array = np.zeros(0, np.uint64)
        self._last_file: int | None = None
        self._last_published: int | None = None

    def look(self) -> NewSpans:
        """What has come since the last call. Raises IndexerError, and nothing is lost by that."""
        answers = self._answers
        hot = None if answers.hot is None else ask_hot(answers.hot)
        with answers.moments.reading(Deadline()) as cursor:
            if self._last_file is None:
                ((last_file,),) = cursor.execute(_LAST_FILE).fetchall()
                files = []
            else:
                sql = _NEXT_FILES.format(after=self._last_file, limit=FILES_AT_ONCE)
                files = cursor.execute(sql).fetchall()
                last_file = max((file_id for file_id, _ in files), default=self._last_file)
        is_first, self._last_file = self._last_file is None, last_file
        recent = read_recent_files(answers.moments.storage, [path for _, path in files])
        view = None if hot is None else hot.view
        published, missing = self._published()
        parts = [] if published is None else [self._unseen(published.spans)]
        parts += [self._unseen(part) for part in recent.files]
        if view is not None:
            rows = view.table
            fresh = rows.filter(pa.array(self._take_new(keys_of(rows).hashes)))
            parts += [] if is_first or not fresh.num_rows else [unindexed_spans(fresh)]
        return NewSpans(
            parts=[piece for part in parts for piece in _pieces(part)],
            tiers=[
                recent,
                *([] if view is None else [HotSpans(view=view)]),
                *([] if published is None else [published]),
            ],
            as_of_unix_nano=None if view is None else view.as_of_unix_nano,
            missing=(*recent.missing, *(() if hot is None else hot.missing), *missing),
        )

    def _published(self) -> tuple[PublishedSpans | None, tuple[Missing, ...]]:
        """Those that were created since the last look; None without a store that answers."""
        store = self._answers.published
        if store is None:
            return None, ()
        try:
            self._last_published, view = store.since(self._last_published)
        except ENDED:
            raise
        except IndexerError as error:
            return None, (Missing.of_error(error),)
        return PublishedSpans(view=view), ()

    def _unseen(self, part: UnindexedSpans) -> UnindexedSpans:
        columns = part.columns
        return replace(part, columns=columns.take(self._take_new(columns.keys.hashes)))

    def _take_new(self, hashes: UInt64Array) -> BoolArray:
        """Which of them were not seen; they are from now on."""
        new: BoolArray = ~np.isin(hashes, self._seen)
        self._seen = np.concatenate([self._seen, np.unique(hashes[new])])[-SEEN_MAX:]
        return new


def _pieces(part: UnindexedSpans) -> Iterator[UnindexedSpans]:
    for first in range(0, len(part.columns), LIMIT_MAX):
        yield replace(part, columns=part.columns.take(slice(first, first + LIMIT_MAX)))
