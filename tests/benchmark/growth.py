"""One more file, and one more probe, must cost the same whatever is already there.

Work that looks at all registered files, be it a dictionary or a table, shows here as a ratio
above one long before anybody would notice it in use. Both catalogs are open in one process and
take turns, so that nothing but their size differs.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from indexer.catalog.database import Catalog
from indexer.index.pipeline import Pipeline
from indexer.query.catalog_moments import CatalogMoments
from indexer.run.status import worker_status
from indexer.settings import Settings
from tests.benchmark.corpus import relative_path, write_files
from tests.benchmark.layout import Shape
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.report import Line, median, percentile
from tests.benchmark.synthetic import opened, register_shape

RATIO_AT_MOST = 1.2
SPANS_OF_A_REGISTERED_FILE = 40
SPANS_OF_A_NEW_FILE = 500
FILES_A_TRANSACTION = 500
PROBE_MS_AT_MOST = 5.0
"""Of a probe that asks every few seconds for ever."""
WARM_UPS = 3
"""Registrations of each side before the ones that count."""


def measure(plan: Plan) -> list[Line]:
    """Register single files on top of few and of many, in turns."""
    new = Shape(files=plan.registrations + WARM_UPS, spans=SPANS_OF_A_NEW_FILE, seed=2)
    with scratch("growth") as folder, ExitStack() as stack:
        sides = [
            stack.enter_context(_Side(folder / name, files, new))
            for name, files in (("few", plan.few_files), ("many", plan.many_files))
        ]
        for number in range(new.files):
            for side in sides[:: 1 if number % 2 else -1]:
                side.register(number)
                side.probe()
        return [_line(*sides), _probe_line(*sides)]


class _Side:
    """A catalog of so many files, and new files to register on top."""

    def __init__(self, folder: Path, files: int, new: Shape) -> None:
        self.files = files
        self._storage = folder / "spans"
        self._catalog = folder / "index.duckdb"
        self._new = new
        self._stack = ExitStack()
        self._pipeline: Pipeline
        self._catalog_file: Catalog
        self._seconds: list[float] = []
        self._probe_seconds: list[float] = []
        self.seconds_to_fill = 0.0

    def __enter__(self) -> Self:
        catalog, self._pipeline = self._stack.enter_context(opened(self._storage, self._catalog))
        self._catalog_file = catalog
        present = Shape(files=self.files, spans=SPANS_OF_A_REGISTERED_FILE)
        started = time.perf_counter()
        for _ in register_shape(self._pipeline, present, at_once=FILES_A_TRANSACTION):
            pass
        self.seconds_to_fill = time.perf_counter() - started
        catalog.checkpoint()
        write_files(self._new, [self._path(number) for number in range(self._new.files)])
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def register(self, number: int) -> None:
        """One file, from the hint that names it to the end of its transaction."""
        path = str(self._path(number))
        before = self._pipeline.progress.files_registered
        started = time.perf_counter()
        self._pipeline.look([path])
        self._pipeline.drain(lambda: False)
        self._seconds.append(time.perf_counter() - started)
        assert self._pipeline.progress.files_registered == before + 1, path

    def probe(self) -> None:
        """The status, as a probe of a worker causes it just after a transaction."""
        started = time.perf_counter()
        worker_status(
            Settings(storage_path=self._storage),
            self._catalog_file,
            self._pipeline,
            CatalogMoments(cursor=self._catalog_file.cursor, storage=self._pipeline.storage),
            problems=(),
            http_url=None,
            watching=True,
            swept_unix_s=None,
            hot=None,
            usages={},
        )
        self._probe_seconds.append(time.perf_counter() - started)

    @property
    def probe_milliseconds(self) -> list[float]:
        """Of each probe that counts."""
        return [seconds * 1e3 for seconds in self._probe_seconds[WARM_UPS:]]

    @property
    def milliseconds(self) -> list[float]:
        """Of each registration that counts."""
        return [seconds * 1e3 for seconds in self._seconds[WARM_UPS:]]

    def _path(self, number: int) -> Path:
        return self._storage / "new" / relative_path(self._new, number)


def _line(few: _Side, many: _Side) -> Line:
    measured, compared = median(many.milliseconds), median(few.milliseconds)
    return Line(
        name=f"register one file among {many.files:,}",
        measured=measured,
        unit="ms",
        compared=compared,
        compared_with=f"among {few.files:,}:",
        ratio=measured / compared,
        at_most=RATIO_AT_MOST,
        details={
            f"among_{side.files}": {
                "registrations": len(side.milliseconds),
                "p50_ms": round(median(side.milliseconds), 3),
                "p90_ms": round(percentile(side.milliseconds, 90), 3),
                "max_ms": round(max(side.milliseconds), 3),
                "seconds_to_fill": round(side.seconds_to_fill, 2),
            }
            for side in (few, many)
        },
    )


def _probe_line(few: _Side, many: _Side) -> Line:
    """The limit is one of time: both sides are far below it, and their ratio is noise."""
    return Line(
        name=f"probe a worker of {many.files:,} files",
        measured=median(many.probe_milliseconds),
        unit="ms",
        at_most=PROBE_MS_AT_MOST,
        details={
            f"among_{side.files}": {
                "p50_ms": round(median(side.probe_milliseconds), 3),
                "p90_ms": round(percentile(side.probe_milliseconds, 90), 3),
                "max_ms": round(max(side.probe_milliseconds), 3),
            }
            for side in (few, many)
        },
    )
