"""Corpora of span files, made once and kept: the same bytes of the same spans in every run.

A file is written as the Junjo ingestion service writes it: 14 columns, zstd, page checksums,
a folder a day. Its modification time is that of its last span, so a listing orders the files as
they came. A marker beside the files, written last, says that a corpus is whole.
"""

import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from indexer.spans.identifiers import format_hex
from tests.benchmark.attributes import attributes, chosen, resources
from tests.benchmark.layout import OPERATIONS, SERVICE_NAMES, FileSpans, Shape, file_spans
from tests.support.span_files import SCHEMA_14

MADE_BY = 2
"""Raised with every change of what is written, so that a kept corpus is made again."""
_EVENTS = ["[]", json.dumps([{"name": "exception", "attributes": {"exception.type": "Timeout"}}])]
_STATUS_ERROR = 2


class Corpus:
    """A folder of span files, as a worker would find it."""

    def __init__(self, shape: Shape, root: Path) -> None:
        self.shape = shape
        self.root = root
        self.paths = [str(root / relative_path(shape, file)) for file in range(shape.files)]

    def warm(self) -> None:
        """Read every byte once, so that no measurement pays for the disk."""
        for path in self.paths:
            Path(path).read_bytes()

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(os.stat(path).st_size for path in self.paths)


def corpus(folder: Path, shape: Shape) -> Corpus:
    """The corpus of this shape below ``folder``, made now unless it is there and whole."""
    home = folder / shape.name
    marker = home / "complete.json"
    made = Corpus(shape, home / "spans")
    if not marker.exists() or json.loads(marker.read_text()) != {"made_by": MADE_BY}:
        shutil.rmtree(home, ignore_errors=True)
        write_files(shape, [Path(path) for path in made.paths])
        marker.write_text(json.dumps({"made_by": MADE_BY}))
    return made


def write_files(shape: Shape, paths: Sequence[Path]) -> None:
    """Write the files of a shape to these paths, one each, on all cores."""
    for folder in {path.parent for path in paths}:
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda file: _write(shape, file, paths[file]), range(len(paths))))


def relative_path(shape: Shape, file: int) -> str:
    """Where a file lies below its storage root."""
    day = datetime.fromtimestamp(shape.begins(file) // 1_000_000_000, UTC)
    return f"year={day:%Y}/month={day:%m}/day={day:%d}/spans-{file:06d}.parquet"


def _write(shape: Shape, file: int, path: Path) -> None:
    spans = file_spans(shape, file)
    table = _table(spans, np.random.default_rng([shape.seed, file, 2]))
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    ended = shape.begins(file + 1)
    os.utime(path, ns=(ended, ended))


def _table(spans: FileSpans, rng: np.random.Generator) -> pa.Table:
    failed = spans.status == _STATUS_ERROR
    time = pa.timestamp("ns", "UTC")
    columns: dict[str, Any] = {
        "span_id": format_hex([spans.span_id]),
        "trace_id": format_hex([spans.trace_hi, spans.trace_lo]),
        "parent_span_id": format_hex([spans.parent_span_id], null=spans.parent_span_id == 0),
        "service_name": chosen(list(SERVICE_NAMES), spans.service),
        "name": chosen([name for _, name in OPERATIONS], spans.operation),
        "span_kind": spans.kind,
        "start_time": pa.array(spans.start).cast(time),
        "end_time": pa.array(spans.start + spans.duration).cast(time),
        "duration_ns": spans.duration,
        "status_code": spans.status,
        "status_message": chosen(["upstream timed out"], failed * 0, null=~failed),
        "attributes": attributes(spans.operation, rng),
        "events": chosen(_EVENTS, failed),
        "resource_attributes": resources(spans.service),
    }
    return pa.table(columns, schema=SCHEMA_14)
