"""A catalog of many million spans in a process of its own, so that its memory can be measured.

    python -m tests.benchmark.metadata_only fill FOLDER FILES SPANS_A_FILE
    python -m tests.benchmark.metadata_only load FOLDER

``fill`` registers synthetic files, as many a transaction as the worker's limit in bytes allows;
``load`` opens the catalog again, as a worker does when it starts. Both print one line of JSON.
"""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from indexer.catalog.database import Catalog
from indexer.catalog.files import FileRegister
from indexer.model import Limits
from indexer.system.clock import SystemClock
from tests.benchmark.layout import Shape
from tests.benchmark.report import median
from tests.benchmark.synthetic import opened, register_shape


def main(command: str, folder: str, *sizes: str) -> None:
    """Run one of the two."""
    place = Path(folder)
    answer = load(place) if command == "load" else fill(place, *map(int, sizes))
    print(json.dumps(answer))


def fill(folder: Path, files: int, spans: int) -> dict[str, Any]:
    """Register everything; how fast that went at the beginning and at the end."""
    shape = Shape(files=files, spans=spans)
    at_once = max(1, Limits().batch_spans // spans)
    with opened(folder / "spans", folder / "index.duckdb") as (catalog, pipeline):
        began = time.perf_counter()
        marks = [began]
        for _ in register_shape(pipeline, shape, at_once=at_once):
            marks.append(time.perf_counter())
        catalog.checkpoint()
        seconds = time.perf_counter() - began
    each = [later - earlier for earlier, later in pairwise(marks)]
    tenth = max(1, len(each) // 10)
    return {
        "seconds": seconds,
        "files_a_transaction": at_once,
        "first_transactions_s": median(each[:tenth]),
        "last_transactions_s": median(each[-tenth:]),
    }


def load(folder: Path) -> dict[str, Any]:
    """Open it and read what is kept in memory; how long each took, and how much that is."""
    began = time.perf_counter()
    catalog = Catalog.open((folder / "index.duckdb").resolve())
    opened_at = time.perf_counter()
    register = FileRegister(catalog, SystemClock(), str(folder / "spans"))
    loaded_at = time.perf_counter()
    catalog.close()
    return {
        "open_s": opened_at - began,
        "load_s": loaded_at - opened_at,
        "entries": len(register.directory),
        "directory_bytes": register.directory.size_bytes,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
