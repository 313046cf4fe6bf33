"""A pipeline over a temporary storage and catalog, and what the files say without our code."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.catalog.database import Catalog
from indexer.catalog.files import FileRegister
from indexer.index.audit import audit
from indexer.index.oneshot import until_settled
from indexer.index.pipeline import Limits, Pipeline
from indexer.model import AuditReport
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.query.tiers.index_state import IndexMemory
from indexer.settings import Settings
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage, is_utf8
from tests.support.fake_clock import FakeClock

Row = tuple[Any, ...]

SPAN_ROWS = """
SELECT trace_id, span_id, relative_path, file_row_number, parent_span_id,
       span_metadata.service_name, name, start_time_unix_nano, duration_ns, status_code, span_kind
FROM span_metadata JOIN parquet_files USING (file_id)
ORDER BY ALL
"""

ATTRIBUTE_ROWS = """
SELECT relative_path, file_row_number, trace_id, span_id, key, value
FROM span_attributes JOIN parquet_files USING (file_id)
"""


@dataclass
class Indexed:
    """One storage folder, its catalog and the pipeline between them."""

    root: Path
    catalog: Catalog
    pipeline: Pipeline
    clock: Clock

    def settle(self) -> None:
        until_settled(self.pipeline, lambda: False)

    def answers(self, **options: Any) -> Answers:
        """What is asked of the catalog, without a hot tier unless ``options`` have one."""
        storage = LocalStorage(str(self.root))
        options.setdefault("memory", IndexMemory(lambda: self.catalog.commits))
        options.setdefault("arriving", lambda: self.catalog.commits.arriving)
        if "cursor" not in options:
            options |= {"cursor": self.catalog.cursor, "give_back": self.catalog.give_back}
        of_moments = {one.name for one in fields(CatalogMoments)} & options.keys()
        moments = {name: options.pop(name) for name in of_moments}
        return Answers(moments=CatalogMoments(storage=storage, **moments), **options)

    def rows(self, sql: str) -> list[Row]:
        return self.catalog.connection.execute(sql).fetchall()

    def spans(self) -> list[Row]:
        return self.rows(SPAN_ROWS)


@cache
def _empty_catalog() -> Path:
    """A catalog without files. To make it takes longer than what most tests do with one."""
    folder = tempfile.mkdtemp(prefix="span-index-tests-")
    atexit.register(shutil.rmtree, folder)
    path = Path(folder, "catalog.duckdb")
    Catalog.open(path).close()
    return path


@contextmanager
def indexed(
    folder: Path,
    *,
    storage: LocalStorage | None = None,
    keys: Sequence[str] = (),
    accept_removals: bool = False,
    **limits: object,
) -> Iterator[Indexed]:
    """The catalog of ``folder/spans``, which may already hold files, and its pipeline."""
    root = folder / "spans"
    root.mkdir(exist_ok=True)
    clock = FakeClock()
    path = folder / "catalog.duckdb"
    if not path.exists():
        shutil.copy(_empty_catalog(), path)
    catalog = Catalog.open(path)
    register = FileRegister(catalog, clock, str(root), promoted_keys=keys)
    bounds = Limits(**{"readers": 1, "settle_s": 1.0, **limits})  # type: ignore[arg-type]
    pipeline = Pipeline(
        storage or LocalStorage(root), register, clock, bounds, accept_removals=accept_removals
    )
    try:
        yield Indexed(root, catalog, pipeline, clock)
    finally:
        pipeline.close()
        catalog.close()


def audited(root: Path, catalog_path: Path) -> AuditReport:
    """The full audit of a closed catalog."""
    settings = Settings(storage_path=root, catalog_path=catalog_path)
    return audit(settings, catalog_path, FakeClock())


def attributes_on_disk(root: Path, keys: Sequence[str]) -> list[Row]:
    """The values of ``span_attributes``, by brute force over the files and Python's JSON."""
    found: list[Row] = []
    columns: dict[str, list[str]] = {}
    for trace_id, span_id, path, row, *_ in spans_on_disk(root):
        if path not in columns:
            columns[path] = pq.read_table(root / path, columns=["attributes"])[0].to_pylist()
        try:
            attributes = json.loads(columns[path][row])
        except ValueError:
            continue
        for key in keys:
            value = attributes.get(key)
            if value is not None:
                text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
                found.append((path, row, trace_id, span_id, key, text))
    return sorted(found)


def rows_of(path: Path) -> list[dict[str, object]] | None:
    """The rows of a finished span file, by brute force; None for anything else."""
    table = _readable(path)
    return None if table is None or "trace_id" not in table.column_names else _plain(table)


def spans_on_disk(
    root: Path, read: Callable[[Path], list[dict[str, object]] | None] = rows_of
) -> list[Row]:
    """The rows that the catalog must hold, by brute force over the files.

    Every finished file, smallest relative path first, smallest row first; the first copy of a
    span, by (trace_id, span_id, span_kind), is the one that counts.
    """
    found: dict[tuple[str, str, int], Row] = {}
    paths = {path.relative_to(root).as_posix(): path for path in paths_below(root)}
    for relative in sorted(paths):
        if any(part == "tmp" or part.startswith((".", "_")) for part in Path(relative).parts):
            continue
        for number, row in enumerate(read(paths[relative]) or ()):
            found.setdefault(
                (row["trace_id"], row["span_id"], row["span_kind"]),
                (
                    row["trace_id"],
                    row["span_id"],
                    relative,
                    number,
                    row["parent_span_id"],
                    row["service_name"],
                    row["name"],
                    start_of(row),
                    _duration_of(row),
                    row["status_code"],
                    row["span_kind"],
                ),
            )
    return sorted(found.values(), key=lambda row: tuple((x is None, x) for x in row))


def start_of(row: dict[str, object]) -> int:
    """What the index must hold: 0, which is unknown, for what lies before 1970."""
    return max(0, row["start_time"])  # type: ignore[call-overload, no-any-return]


def _duration_of(row: dict[str, object]) -> int | None:
    start, end = start_of(row), max(0, row["end_time"])  # type: ignore[call-overload]
    return end - start if start and end else None


def paths_below(root: Path) -> list[Path]:
    """Regular files named ``*.parquet``, links left out, whose paths the system takes, in order."""
    found = (
        Path(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if name.endswith(".parquet")
    )
    return sorted(path for path in found if _is_regular(path) and is_utf8(str(path)))


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _readable(path: Path) -> pa.Table | None:
    """The table, or None for what is not finished, or not Parquet."""
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError):
        return None


def _plain(table: object) -> list[dict[str, object]]:
    for name in ("start_time", "end_time"):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast("int64"))
    return table.to_pylist()
