"""Threads by Mastra's predicates: on the traces that are selected, and on those of one thread."""

from indexer.mastra.database import Database
from indexer.mastra.predicates import PredicateSql
from indexer.mastra.query_cursors import binding, decode, encode
from indexer.mastra.query_fields import Scope
from indexer.mastra.query_records import NextPage, QueriedThreads, ThreadId
from indexer.mastra.query_requests import ThreadQuery
from indexer.mastra.trace_candidates import candidates


def query_threads(database: Database, request: ThreadQuery) -> QueriedThreads:
    """Threads that have a selected trace, in the order of their IDs.

    A predicate of threads asks of a thread's traces, of which it sees the selected ones alone.
    Raises InvalidMastraCall for a predicate or a cursor that is invalid.
    """
    found = PredicateSql()
    where = found.condition(request.where, Scope.THREADS, ("where",))
    eligible = candidates(request.traces, "r.*", found, ("traces", "where"))
    selected = request.traces
    bound = binding("threads", selected.time_range.model_dump(), selected.where, request.where)
    after, limit = request.page.after, request.page.limit
    later = "true"
    if after is not None:
        later = f"thread_id > {found.bind(decode(after, bound, 1)[0])}"
    with database.reading() as cursor:
        rows = cursor.execute(
            f"WITH eligible AS ({eligible}), listed AS (SELECT DISTINCT thread_id FROM eligible "
            f"WHERE thread_id IS NOT NULL AND {later}) "
            f"SELECT t.thread_id FROM listed AS t WHERE {where} "
            f"ORDER BY t.thread_id LIMIT {limit + 1:d}",
            found.parameters,
        ).fetchall()
    threads = [thread_id for (thread_id,) in rows[:limit]]
    return QueriedThreads(
        threads=[ThreadId(thread_id=one) for one in threads],
        page=NextPage(next=encode(bound, threads[-1]) if len(rows) > limit else None),
    )
