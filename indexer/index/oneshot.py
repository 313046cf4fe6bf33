"""Bring a catalog level with its storage once, and come back."""

from collections.abc import Callable

from indexer.catalog.quarantine import STILL_RETRIED
from indexer.index.pipeline import Pipeline
from indexer.system.storage import display_path

BLOCKED_TRIES_MAX = 6
"""Tries of a one-shot run, half a minute, to read a file that holds a copy of freed spans."""


def until_settled(pipeline: Pipeline, stop: Callable[[], bool]) -> None:
    """Sweep and drain until every file is registered or refused and has given its attributes.

    It does not wait for permissions: what is reported is decided. Files that wait for another
    one's surviving copy, although nothing is unfinished any more, become a problem of the
    pipeline's.
    """
    while not stop():
        pipeline.sweep()
        pipeline.drain(stop)
        if _gives_up(pipeline):
            break
        due_s = pipeline.backlog.next_due_s()
        if due_s is None and not pipeline.backlog.ready:
            break
        while due_s is not None and pipeline.clock.monotonic_s() < due_s and not stop():
            pipeline.clock.sleep_s(min(0.2, due_s - pipeline.clock.monotonic_s()))
    pipeline.promotion.finish(stop)


def _gives_up(pipeline: Pipeline) -> bool:
    backlog = pipeline.backlog
    for path in list(backlog.waiting):
        if pipeline.register.refused.get(display_path(path)) == STILL_RETRIED:
            backlog.drop(path)
    stuck = [path for path in backlog.waiting if backlog.tries(path) > BLOCKED_TRIES_MAX]
    if not stuck or backlog.has_unfinished():
        return False
    problem = f"{len(stuck)} files wait for a copy of their spans"
    pipeline.problems = (*pipeline.problems, problem)
    return True
