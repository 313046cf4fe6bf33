"""What a rename until the answer is held against: one file event, and one commit of the same rows.

In one process that does nothing else: Linux says that the file has its name, and a table with the
columns that an index needs takes its rows in a transaction that is durable.
"""

import os
import random
import select
import time
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from indexer.discover.inotify import FolderEvents
from tests.benchmark.corpus import write_files
from tests.benchmark.layout import Shape

_COLUMNS = [
    *("span_id", "trace_id", "parent_span_id", "service_name", "name", "start_time"),
    *("end_time", "duration_ns", "status_code", "span_kind"),
]
_EVENT_WITHIN_S = 10.0


def event_and_commit_ms(folder: Path, shape: Shape, pauses_s: tuple[float, float]) -> list[float]:
    """Milliseconds for each file of the shape, one after the other, with such pauses before."""
    made, arrived = folder / "made" / "floor", folder / "floor"
    paths = [made / f"{number:06d}.parquet" for number in range(shape.files)]
    write_files(shape, paths)
    arrived.mkdir()
    tables = [pq.read_table(path, columns=_COLUMNS) for path in paths]
    pauses = random.Random(shape.seed)
    taken = []
    with (
        closing(FolderEvents(str(arrived))) as events,
        duckdb.connect(str(folder / "floor.duckdb")) as connection,
    ):
        connection.execute("SET threads = 2")
        connection.register("rows", tables[0])
        connection.execute("CREATE TABLE span_metadata AS FROM rows LIMIT 0")
        for path, rows in zip(paths, tables, strict=True):
            time.sleep(pauses.uniform(*pauses_s))
            started = time.perf_counter()
            os.rename(path, arrived / path.name)
            _await(events, arrived / path.name)
            _commit(connection, rows)
            taken.append((time.perf_counter() - started) * 1e3)
    return taken


def _await(events: FolderEvents, path: Path) -> None:
    ready, _, _ = select.select([events.descriptor], [], [], _EVENT_WITHIN_S)
    assert ready, f"no event for {path}"
    assert str(path) in events.read(), "an event of another file"


def _commit(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    connection.register("rows", rows)
    connection.execute("INSERT INTO span_metadata FROM rows")
