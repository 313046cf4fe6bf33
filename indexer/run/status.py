"""How a running worker is and what its index holds, as one value of JSON."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import duckdb

from indexer import __version__
from indexer.catalog.database import Catalog
from indexer.errors import IndexerError
from indexer.index.pipeline import Pipeline
from indexer.query.catalog_moments import CatalogMoments
from indexer.settings import Settings
from indexer.system.usage import Usage


def worker_status(
    settings: Settings,
    catalog: Catalog,
    pipeline: Pipeline,
    moments: CatalogMoments,
    *,
    problems: tuple[str, ...],
    http_url: str | None,
    watching: bool,
    swept_unix_s: float | None,
    hot: dict[str, Any] | None,
    usages: Mapping[str, Usage],
) -> dict[str, Any]:
    """The status. ``problems`` are the worker's own; the storage's and the catalog's join them.

    A catalog that does not answer leaves its totals out. Probes ask for it every few seconds, so
    nothing in it grows with the catalog.
    """
    found = [*pipeline.problems, *problems]
    try:
        moments.check()
        totals = pipeline.register.totals.to_dict()
    except (duckdb.Error, IndexerError) as error:
        totals = {}
        found.append(f"the catalog does not answer: {str(error).partition(chr(10))[0]}")
    return {
        "state": "running",
        "healthy": not found,
        "problems": found,
        "version": __version__,
        "process_id": os.getpid(),
        "storage_root": settings.storage_root,
        "catalog": str(catalog.path),
        "http": http_url,
        "watching": watching,
        "swept_at": None if swept_unix_s is None else _iso(swept_unix_s),
        "files_ready": len(pipeline.backlog.ready),
        "files_waiting": len(pipeline.backlog.waiting),
        "catalog_bytes": catalog.size_bytes(),
        "trace_directory_bytes": pipeline.register.directory.size_bytes,
        "hot": hot,
        "in_use": {name: one.in_use for name, one in usages.items()},
        "limits": {name: one.limit for name, one in usages.items()},
        "progress": asdict(pipeline.progress),
        **totals,
    }


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()
