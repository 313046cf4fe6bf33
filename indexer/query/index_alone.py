"""What an answer lacks that is read from a copy of the catalog, and what may be added to it."""

from indexer.query.answer import IndexAnswer
from indexer.query.hot_handover import HotHandover
from indexer.query.limits import SQL_PUBLISHED_MAX
from indexer.query.missing_files import beyond_index
from indexer.query.moment import Moment
from indexer.query.tiers.all_tiers import unknown_files
from indexer.query.tiers.hot_spans import HotAnswer
from indexer.query.tiers.published_spans import PublishedSpans


def index_alone(
    moment: Moment, hot: HotAnswer | None, published: PublishedSpans | None
) -> IndexAnswer:
    """Of one moment of the index, before which what is hot was asked."""
    view = None if hot is None else hot.view
    paths = tuple(unknown_files(moment.cursor, moment.storage, hot))
    hot_spans = 0 if view is None else view.rows.count()
    unread = beyond_index(moment.storage, moment.outstanding, hot_spans, paths)
    given = None if view is None else HotHandover.of(view)
    left_out = () if given is None else given.missing
    beside, lacking = (None, ()) if published is None else published.newest(SQL_PUBLISHED_MAX)
    alone = () if published is None else published.missing_in_files
    return IndexAnswer(
        completeness=moment.completeness(hot, hot_spans, (*unread, *alone)),
        with_unindexed=moment.completeness(hot, hot_spans, (*left_out, *lacking), paths),
        hot=given,
        published=beside,
    )
