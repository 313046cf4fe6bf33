"""Questions and one more file, over catalogs from a million to a hundred million spans.

What was there is registered from numbers, and its files do not exist; on top of it come real files,
whose traces are asked for. All catalogs are open in one process and take turns, so that nothing but
what they hold differs.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from indexer.catalog.database import Catalog
from indexer.index.pipeline import Pipeline
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.query.find.span_query import SpanQuery
from tests.benchmark.corpus import relative_path, write_files
from tests.benchmark.layout import SERVICE_NAMES, Shape, trace_ids
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.processes import catalog_bytes
from tests.benchmark.report import Line, median, percentile
from tests.benchmark.synthetic import opened, register_shape

BATCH_SPANS = 200_000
"""Of one transaction, where files are registered from numbers."""
NEW = Shape(files=12, spans=20_000, seed=2)
ROOTS = 100
NOBODY = "0123456789abcdef" * 2
"""A trace that no file has."""


def measure(plan: Plan) -> list[Line]:
    """Each question to each size, beside the smallest one."""
    with scratch("sizes") as folder, ExitStack() as stack:
        sides = [
            stack.enter_context(_Side(folder / str(number), shape))
            for number, shape in enumerate(plan.sizes)
        ]
        for number in range(NEW.files):
            for side in sides[:: 1 if number % 2 else -1]:
                side.turn(number)
        return [_line(name, side, sides[0]) for name in sides[0].milliseconds for side in sides]


class _Side:
    """A catalog of so many spans, and what it is asked."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        self.shape = shape
        self.milliseconds: dict[str, list[float]] = {}
        self.seconds_to_fill = 0.0
        self.bytes_a_span = 0.0
        self._storage, self._path = folder / "spans", folder / "index.duckdb"
        self._stack = ExitStack()
        self._pipeline: Pipeline
        self._answers: Answers

    def __enter__(self) -> Self:
        catalog, self._pipeline = self._stack.enter_context(opened(self._storage, self._path))
        began_s = time.perf_counter()
        at_once = max(1, BATCH_SPANS // self.shape.spans)
        for _ in register_shape(self._pipeline, self.shape, at_once=at_once):
            pass
        catalog.checkpoint()
        self.seconds_to_fill = time.perf_counter() - began_s
        self.bytes_a_span = catalog_bytes(self._path) / self.shape.total
        write_files(NEW, [self._file(number) for number in range(NEW.files)])
        self._answers = self._open_answers(catalog)
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def turn(self, number: int) -> None:
        """One more file, and each question, about traces of that file."""
        self._timed("one more file of 20,000 spans", lambda: self._register(number))
        asked = trace_ids(NEW, number)
        for trace_id in asked[1 : len(asked) : len(asked) // 4]:
            self._timed("a trace with payload", partial(self._trace, trace_id))
        service = SERVICE_NAMES[number % len(SERVICE_NAMES)]
        self._timed(f"latest {ROOTS} roots of a service", lambda: self._roots(service))
        self._timed("a trace that nobody has", lambda: self._answers.trace(NOBODY))
        self._timed("services", self._answers.services)

    def _open_answers(self, catalog: Catalog) -> Answers:
        return Answers(
            moments=CatalogMoments(cursor=catalog.cursor, storage=self._pipeline.storage),
            directory=lambda: self._pipeline.register.directory,
        )

    def _timed(self, name: str, call: Callable[[], Any]) -> None:
        began_s = time.perf_counter()
        call()
        taken_ms = (time.perf_counter() - began_s) * 1e3
        self.milliseconds.setdefault(name, []).append(taken_ms)

    def _register(self, number: int) -> None:
        before = self._pipeline.progress.files_registered
        self._pipeline.look([str(self._file(number))])
        self._pipeline.drain(lambda: False)
        assert self._pipeline.progress.files_registered == before + 1, number

    def _trace(self, trace_id: str) -> None:
        answer = self._answers.trace(trace_id)
        assert answer.spans, trace_id
        assert all(span.payload for span in answer.spans), trace_id

    def _roots(self, service: str) -> None:
        query = SpanQuery(service=service, roots=True, limit=ROOTS)
        assert len(self._answers.spans(query, payload=False).spans) == ROOTS, service

    def _file(self, number: int) -> Path:
        return self._storage / "new" / relative_path(NEW, number)


def _line(name: str, side: _Side, least: _Side) -> Line:
    # The first turn fills the caches of DuckDB and of the file system.
    ours, theirs = (one.milliseconds[name][1:] for one in (side, least))
    shape = side.shape
    return Line(
        name=f"{name}, {shape.total / 1e6:.3g}M spans in {shape.files:,} files",
        measured=median(ours),
        unit="ms",
        compared=median(theirs),
        compared_with=f"{least.shape.total / 1e6:.3g}M in {least.shape.files:,} files:",
        ratio=median(ours) / median(theirs),
        details={
            "questions": len(ours),
            "p90_ms": round(percentile(ours, 90), 3),
            "max_ms": round(max(ours), 3),
            "seconds_to_fill": round(side.seconds_to_fill, 1),
            "catalog_bytes_a_span": round(side.bytes_a_span, 1),
        },
    )
