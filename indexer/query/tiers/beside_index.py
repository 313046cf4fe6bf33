"""What the tiers beside the index add to its counts, and which of its rows they replace."""

from indexer.deferred_dataclass import dataclass
from indexer.query.find.already_indexed import known_spans
from indexer.query.find.column_scan import within
from indexer.query.service_list import unindexed_spans
from indexer.query.tiers.all_tiers import AllTiers
from indexer.query.window import ANY_TIME, Window
from indexer.spans.columns import SpanColumns, concatenate
from indexer.spans.identity import SpanKeys


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BesideIndex:
    """Counts of the index, less its rows that are replaced, and with what is added, are of all."""

    added: SpanColumns
    """Spans that start in the window, each once."""
    replaced: SpanKeys
    """Of spans of the index that have a published record, wherever that starts."""


def beside_index(tiers: AllTiers, window: Window = ANY_TIME) -> BesideIndex:
    """The tiers of a question that is about all spans."""
    cursor, directory = tiers.indexed.cursor, tiers.indexed.directory
    parts = [one.columns for one in tiers.unindexed]
    if tiers.published is None:
        added = unindexed_spans(cursor, parts, window, directory) if parts else SpanColumns.empty()
        return BesideIndex(added=added, replaced=SpanKeys.empty())
    published, *others = parts
    added = published.take(within(published, window))
    if others:
        added = concatenate([added, unindexed_spans(cursor, others, window, directory)], [1, 1])
    return BesideIndex(added=added, replaced=_replaced(tiers, published))


def _replaced(tiers: AllTiers, published: SpanColumns) -> SpanKeys:
    keys = published.keys
    return keys.take(known_spans(tiers.indexed.cursor, keys, tiers.indexed.directory))
