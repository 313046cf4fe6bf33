"""Open and close what one writing process needs: the lock, the current generation, a pipeline."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from indexer.catalog.database import Catalog, unreadable
from indexer.catalog.files import FileRegister
from indexer.catalog.generations import Generations
from indexer.catalog.owner_lock import CatalogLock
from indexer.deferred_dataclass import dataclass
from indexer.errors import CatalogBusy
from indexer.index.crash_notes import CrashNotes, notes_folder
from indexer.index.pipeline import Pipeline
from indexer.model import Limits
from indexer.settings import Settings
from indexer.settings.paths import check_worker_paths
from indexer.system import retry
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A catalog that this process alone may write."""

    generations: Generations
    lock: CatalogLock


@contextmanager
def owning(settings: Settings, purpose: str) -> Iterator[Owned]:
    """Hold the catalog's lock.

    Raises CatalogOwned when another process does, InvalidSettings for a path that cannot be used.
    """
    check_worker_paths(settings)
    lock = CatalogLock.acquire(settings.catalog_pointer, purpose=purpose, modes=settings.file_modes)
    try:
        generations = Generations(settings.catalog_pointer, settings.file_modes)
        yield Owned(generations=generations, lock=lock)
    finally:
        lock.release()


def open_catalog(
    settings: Settings, generations: Generations, stopped: Callable[[], bool] = lambda: False
) -> Catalog:
    """The current generation, made first when there is none. Only for the holder of the lock.

    Raises CatalogBusy when a reader keeps it open for long, or until ``stopped``.
    """
    current = generations.current()
    if current is None:
        current = generations.next()
        new_catalog(settings, current).close()
        generations.publish(current)
    generations.remove_others()
    return new_catalog(settings, current, stopped)


def new_catalog(
    settings: Settings, path: Path, stopped: Callable[[], bool] = lambda: False
) -> Catalog:
    """Open one catalog file for writing, waiting out readers that have it open.

    Raises CatalogBusy when one keeps it open for ten seconds, or until ``stopped``.
    """
    return retry.call(
        lambda: Catalog.open(path, memory_limit=settings.memory_limit, threads=settings.threads),
        on=CatalogBusy,
        backoff=retry.CATALOG_BUSY,
        lasting_s=retry.CATALOG_BUSY_WAIT_S,
        stopped=stopped,
    )


def open_pipeline(
    settings: Settings,
    catalog: Catalog,
    clock: Clock,
    *,
    accept_removals: bool = False,
    idle_s: Callable[[], float] = lambda: math.inf,
) -> Pipeline:
    """Storage, register and limits composed as the settings say.

    ``idle_s`` says for how long nobody has asked the catalog anything.

    Raises CatalogUnreadable when the catalog opens and cannot be read.
    """
    storage = LocalStorage(settings.storage_root)
    storage.protected = frozenset({_identity(catalog.path)})
    try:
        register = FileRegister(
            catalog,
            clock,
            settings.storage_root,
            operations_max=settings.operations_max,
            promoted_keys=settings.promoted_keys,
        )
    except duckdb.Error as error:
        raise unreadable(catalog.path, error) from error
    limits = limits_of(settings)
    notes = CrashNotes(
        notes_folder(settings.catalog_pointer),
        settings.storage_root,
        rows_max=limits.rows_max,
        modes=settings.file_modes,
    )
    return Pipeline(
        storage,
        register,
        clock,
        limits,
        accept_removals=accept_removals,
        notes=notes,
        idle_s=idle_s,
    )


def limits_of(settings: Settings) -> Limits:
    """The pipeline's bounds."""
    return Limits(
        batch_files=settings.batch_files,
        batch_spans=settings.batch_spans,
        rows_max=settings.file_rows_max,
        settle_s=settings.settle_s,
        readers=settings.reader_threads,
        attributes_memory=settings.attributes_memory_limit,
    )


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
