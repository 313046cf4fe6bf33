"""Bring a catalog level with its storage once, and come back."""

from collections.abc import Callable
from itertools import count

from indexer.catalog.quarantine import STILL_RETRIED
from indexer.index.pipeline import Pipeline
from indexer.system.counted_nouns import counted
from indexer.system.storage import display_path

BLOCKED_TRIES_MAX = 6
"""Tries of a one-shot run, half a minute, to read a file that holds a copy of freed spans."""
LISTINGS_MAX = 20
"""Of a one-shot run, of folders in which names keep coming and going: each takes longer to settle
than the one before it has to be old."""


def until_settled(pipeline: Pipeline, stop: Callable[[], bool]) -> None:
    """Sweep and drain until every file is registered or refused and has given its attributes.

    It does not wait for permissions: what is reported is decided. Files that wait for another
    one's surviving copy, although nothing is unfinished any more, become a problem of the
    pipeline's.
    """
    for listings in count(1):
        pipeline.sweep()
        pipeline.drain(stop)
        if stop() or _gives_up(pipeline, listings):
            break
        due = [pipeline.backlog.next_due_s(), pipeline.next_sweep_s()]
        due_s = min((at_s for at_s in due if at_s is not None), default=None)
        if due_s is None and not pipeline.backlog.ready:
            break
        while due_s is not None and pipeline.clock.monotonic_s() < due_s and not stop():
            pipeline.clock.sleep_s(min(0.2, due_s - pipeline.clock.monotonic_s()))
    pipeline.promotion.finish(stop)


def _gives_up(pipeline: Pipeline, listings: int) -> bool:
    backlog = pipeline.backlog
    for path in list(backlog.waiting):
        if pipeline.register.refused.get(display_path(path)) == STILL_RETRIED:
            backlog.drop(path)
    if listings >= LISTINGS_MAX and pipeline.next_sweep_s() is not None:
        problem = f"what is in the folders was not the same for a moment in {listings} listings"
        pipeline.problems = (*pipeline.problems, problem)
        return True
    stuck = [path for path in backlog.waiting if backlog.tries(path) > BLOCKED_TRIES_MAX]
    if not stuck or backlog.has_unfinished():
        return False
    problem = f"{counted(len(stuck), 'file waits', 'files wait')} for a copy of their spans"
    pipeline.problems = (*pipeline.problems, problem)
    return True
