"""One-shot runs: index all there is, or rebuild the catalog from the files alone.

A rebuild fills a new generation and publishes it with one rename; until then the old one answers,
and a kill at any moment leaves one of the two whole.
"""

from collections.abc import Callable

from indexer.catalog.database import Catalog
from indexer.errors import StorageUnavailable
from indexer.index.oneshot import until_settled
from indexer.index.pipeline import Pipeline
from indexer.index.session import new_catalog, open_catalog, open_pipeline, owning
from indexer.model import Progress
from indexer.settings import Settings
from indexer.system.clock import Clock
from indexer.telemetry.log import CATALOG_REBUILT, log

Started = Callable[[Pipeline], None]


def run_once(
    settings: Settings, clock: Clock, stop: Callable[[], bool], started: Started
) -> Progress:
    """Index everything under the root, wait out unfinished files, and return.

    ``started`` is given the pipeline, whose progress it may watch. Raises CatalogOwned.
    """
    with owning(settings, "python -m indexer --once") as owned:
        catalog = open_catalog(settings, owned.generations)
        return _fill(settings, catalog, clock, stop, started)


def rebuild(
    settings: Settings, clock: Clock, stop: Callable[[], bool], started: Started
) -> Progress:
    """Build a new generation from the files and make it the current one.

    Raises CatalogOwned while a worker has the catalog.
    """
    with owning(settings, "python -m indexer --reindex") as owned:
        generations = owned.generations
        generations.check_pointer()
        target = generations.next()
        progress = _fill(settings, new_catalog(settings, target), clock, stop, started)
        if stop():
            target.unlink(missing_ok=True)
            return progress
        generations.publish(target)
        generations.remove_others()
        log(CATALOG_REBUILT, f"{settings.catalog_pointer} is now {target.name}")
    return progress


def _fill(
    settings: Settings,
    catalog: Catalog,
    clock: Clock,
    stop: Callable[[], bool],
    started: Started,
) -> Progress:
    """Run the pipeline until every file is decided; the catalog is closed afterwards."""
    try:
        pipeline = open_pipeline(settings, catalog, clock)
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
