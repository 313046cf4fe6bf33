"""One-shot runs: index all there is, or rebuild the catalog from the files alone.

A rebuild fills a new generation and publishes it with one rename; until then the old one answers,
and a kill at any moment leaves one of the two whole. It doubts an empty storage as a worker does
(``discover.removal_rule``): what the old generation would keep, the new one must not lack.
"""

from collections.abc import Callable
from pathlib import Path

from indexer.catalog.database import Catalog
from indexer.catalog.predecessor import read_predecessor
from indexer.discover.changes import compare
from indexer.discover.listing import list_files
from indexer.discover.removal_rule import RemovalRule
from indexer.errors import StorageUnavailable
from indexer.index.oneshot import until_settled
from indexer.index.pipeline import Pipeline
from indexer.index.session import new_catalog, open_catalog, open_pipeline, owning
from indexer.model import Progress
from indexer.settings import Settings
from indexer.system.clock import Clock
from indexer.system.program_name import program_name
from indexer.system.storage import LocalStorage
from indexer.telemetry.log import CATALOG_REBUILT, log

Started = Callable[[Pipeline], None]


def run_once(
    settings: Settings,
    clock: Clock,
    stop: Callable[[], bool],
    started: Started,
    *,
    accept_removals: bool = False,
) -> Progress:
    """Index everything under the root, wait out unfinished files, and return.

    ``started`` is given the pipeline, whose progress it may watch. Raises CatalogOwned, and
    StorageUnavailable for a storage that cannot be believed, unless its removals are accepted.
    """
    with owning(settings, f"{program_name()} --once") as owned:
        catalog = open_catalog(settings, owned.generations)
        return _fill(settings, catalog, clock, stop, started, accept_removals=accept_removals)


def rebuild(
    settings: Settings,
    clock: Clock,
    stop: Callable[[], bool],
    started: Started,
    *,
    accept_removals: bool = False,
) -> Progress:
    """Build a new generation from the files and make it the current one.

    Raises CatalogOwned while a worker has the catalog, StorageUnavailable as ``run_once`` does.
    """
    with owning(settings, f"{program_name()} --reindex") as owned:
        generations = owned.generations
        generations.check_pointer()
        if not accept_removals:
            _doubt(LocalStorage(settings.storage_root), generations.current(), clock, stop)
        target = generations.next()
        progress = _fill(settings, new_catalog(settings, target), clock, stop, started)
        if stop():
            target.unlink(missing_ok=True)
            return progress
        generations.publish(target)
        generations.remove_others()
        log(CATALOG_REBUILT, f"{settings.catalog_pointer} is now {target.name}")
    return progress


def _doubt(
    storage: LocalStorage, current: Path | None, clock: Clock, stop: Callable[[], bool]
) -> None:
    """Raises StorageUnavailable where a worker would keep files that the storage lacks now."""
    known = None if current is None else read_predecessor(current)
    if known is None:
        return
    rule = RemovalRule(known.root)
    while not stop():
        listing = list_files(storage)
        changes = compare(listing, known.files, {}, storage.nearest_device)
        now_s = clock.monotonic_s()
        judgement = rule.judge(changes, known.files, storage.root_identity(), now_s)
        if judgement.look_again_at_s is not None:
            clock.sleep_s(judgement.look_again_at_s - now_s)
            continue
        for problem in [*(reason for _, reason in listing.unlisted), *judgement.problems]:
            raise StorageUnavailable(problem)
        return


def _fill(
    settings: Settings,
    catalog: Catalog,
    clock: Clock,
    stop: Callable[[], bool],
    started: Started,
    *,
    accept_removals: bool = False,
) -> Progress:
    """Run the pipeline until every file is decided; the catalog is closed afterwards."""
    try:
        pipeline = open_pipeline(settings, catalog, clock, accept_removals=accept_removals)
        try:
            started(pipeline)
            until_settled(pipeline, stop)
        finally:
            pipeline.close()
        if pipeline.problems:
            raise StorageUnavailable(pipeline.problems[0])
        catalog.checkpoint()
    finally:
        catalog.close()
    return pipeline.progress
