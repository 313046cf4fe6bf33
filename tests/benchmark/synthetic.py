"""States of a catalog that would take too long to make from files: batches made from numbers.

What reading would have produced is handed to the register directly; from there on nothing is
different. The files of these batches do not exist, so a storage must not be swept over them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.database import Catalog
from indexer.index.pipeline import Pipeline
from indexer.index.session import open_catalog, open_pipeline, owning
from indexer.model import FileFooter, ParquetFileInfo
from indexer.read.dialect import recognise
from indexer.settings import load_settings
from indexer.spans.batch import ParquetFileData, SpanBatch
from indexer.spans.columns import SpanColumns, sorted_by_trace
from indexer.spans.texts import Texts
from indexer.system.clock import SystemClock
from tests.benchmark.corpus import relative_path
from tests.benchmark.layout import OPERATIONS, SERVICE_NAMES, FileSpans, Shape, file_spans
from tests.support.span_files import SCHEMA_14

BYTES_A_SPAN = 110
"""What a span of the corpora weighs in Parquet."""


@contextmanager
def opened(storage: Path, catalog: Path) -> Iterator[tuple[Catalog, Pipeline]]:
    """The writer's side of a catalog, composed as the worker composes it."""
    storage.mkdir(parents=True, exist_ok=True)
    settings = load_settings(JUNJO_SPAN_STORAGE_PATH=str(storage), JUNJO_DUCKDB_PATH=str(catalog))
    with owning(settings, "the benchmark") as owned:
        database = open_catalog(settings, owned.generations)
        try:
            pipeline = open_pipeline(settings, database, SystemClock())
            try:
                yield database, pipeline
            finally:
                pipeline.close()
        finally:
            database.close()


def register_shape(pipeline: Pipeline, shape: Shape, *, at_once: int) -> Iterator[int]:
    """Register all files of a shape, ``at_once`` a transaction; the files done after each."""
    for first in range(0, shape.files, at_once):
        files = range(first, min(first + at_once, shape.files))
        pipeline.register.apply(CatalogUpdate(batches=[span_batch(shape, files)]))
        yield files.stop


def span_batch(shape: Shape, files: range) -> SpanBatch:
    """What reading these files would have produced."""
    parts = [file_spans(shape, file) for file in files]
    columns = sorted_by_trace(_columns(parts, shape.spans))
    bounds = np.searchsorted(columns.slot, np.arange(len(files) + 1))
    described = tuple(
        _file(shape, file, columns, slice(int(bounds[slot]), int(bounds[slot + 1])))
        for slot, file in enumerate(files)
    )
    return SpanBatch(files=described, columns=columns)


def _columns(parts: Sequence[FileSpans], rows: int) -> SpanColumns:
    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return SpanColumns(
        slot=np.repeat(np.arange(len(parts), dtype=np.int32), rows),
        row=np.tile(np.arange(rows, dtype=np.int32), len(parts)),
        position=np.zeros(rows * len(parts), np.int32),
        trace_hi=joined("trace_hi"),
        trace_lo=joined("trace_lo"),
        span_id=joined("span_id"),
        parent_span_id=joined("parent_span_id"),
        start=joined("start"),
        duration=joined("duration"),
        status=joined("status"),
        kind=joined("kind"),
        service=Texts(joined("service"), SERVICE_NAMES),
        name=Texts(joined("operation"), tuple(name for _, name in OPERATIONS)),
    )


def _file(shape: Shape, file: int, columns: SpanColumns, rows: slice) -> ParquetFileData:
    path = relative_path(shape, file)
    layout = recognise(SCHEMA_14, path)
    digests = np.random.default_rng([shape.seed, file, 3]).bytes(32).hex()
    return ParquetFileData(
        info=ParquetFileInfo(
            path=f"/nowhere/{path}",
            relative_path=path,
            size_bytes=shape.spans * BYTES_A_SPAN,
            modified_unix_nano=shape.begins(file + 1),
            device=1,
            inode=file + 1,
        ),
        footer=FileFooter(
            row_count=shape.spans,
            row_group_count=1,
            footer_digest=digests[:32],
            columns=tuple(SCHEMA_14.names),
        ),
        dialect=layout.dialect.name,
        missing_columns=layout.missing_columns,
        nested_columns=layout.nested_columns,
        rejected_spans=0,
        rejected_example=None,
        repeated_spans=0,
        clamped_values=0,
        content_digest=digests[32:],
        columns=columns,
        rows=rows,
    )
