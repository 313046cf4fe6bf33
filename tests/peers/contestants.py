"""Each contestant: take files in, answer four questions. As its own documentation does it.

A contestant is imported only when it runs, so that a missing package is an absent row and not a
failed run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from indexer.catalog.database import Catalog
from indexer.catalog.files import FileRegister
from indexer.index.oneshot import until_settled
from indexer.index.pipeline import Pipeline
from indexer.model import Limits
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.query.find.span_query import SpanQuery
from indexer.query.lists import list_named
from indexer.system.clock import SystemClock
from indexer.system.storage import LocalStorage

Rows = list[tuple[Any, ...]]

TRACE = "SELECT span_id, attributes FROM {source} WHERE trace_id = '{trace}'"
ROOTS = (
    "SELECT trace_id, span_id FROM {source} WHERE service_name = '{service}' "
    "AND parent_span_id IS NULL ORDER BY start_time DESC LIMIT 100"
)
SERVICES = "SELECT service_name, count(*) FROM {source} GROUP BY service_name"
NAMED = "GET /"
TOTAL = f"SELECT count(*), sum(CASE WHEN name = '{NAMED}' THEN 1 ELSE 0 END) FROM {{source}}"


class Contestant(Protocol):
    """Files are named by absolute path; ``work`` is a folder for whatever it keeps."""

    def take(self, files: Sequence[str], work: Path) -> None:
        """Make the files answerable."""

    def trace(self, trace: str) -> Rows:
        """(span id, attributes) of one trace."""

    def roots(self, service: str) -> Rows:
        """(trace id, span id) of the newest hundred roots."""

    def services(self) -> Rows:
        """(service, spans)."""

    def total(self) -> Rows:
        """(spans, those that are called as all of them are)."""


class _Sql:
    """Questions in SQL over one relation."""

    source = ""

    def run(self, sql: str) -> Rows:
        raise NotImplementedError

    def trace(self, trace: str) -> Rows:
        return self.run(TRACE.format(source=self.source, trace=trace))

    def roots(self, service: str) -> Rows:
        return self.run(ROOTS.format(source=self.source, service=service))

    def services(self) -> Rows:
        return self.run(SERVICES.format(source=self.source))

    def total(self) -> Rows:
        return self.run(TOTAL.format(source=self.source))


class Index:
    """The project: a one-shot run, then the answers that the worker gives."""

    def take(self, files: Sequence[str], work: Path) -> None:
        root = os.path.commonpath([os.path.dirname(file) for file in files])
        storage = LocalStorage(root)
        self.catalog = Catalog.open(work / "index.duckdb")
        register = FileRegister(self.catalog, SystemClock(), storage.root)
        self.pipeline = Pipeline(storage, register, SystemClock(), Limits(settle_s=0.2))
        until_settled(self.pipeline, lambda: False)
        self.answers = Answers(
            moments=CatalogMoments(cursor=self.catalog.cursor, storage=storage),
            directory=lambda: register.directory,
        )

    def trace(self, trace: str) -> Rows:
        answer = self.answers.trace(trace)
        return [(span.span_id, span.payload and span.payload.attributes) for span in answer.spans]

    def roots(self, service: str) -> Rows:
        query = SpanQuery(service=service, roots=True, limit=100)
        found = self.answers.spans(query, payload=False).spans
        return [(span.trace_id, span.span_id) for span in found]

    def services(self) -> Rows:
        found = self.answers.services().services
        return [(one.service_name, one.total_spans) for one in found]

    def total(self) -> Rows:
        until_settled(self.pipeline, lambda: False)  # what the worker does of itself
        return self.catalog.connection.execute(TOTAL.format(source="span_metadata")).fetchall()

    def refused(self) -> int:
        """Files that are named in the quarantine."""
        return len(self.answers.rows(list_named("quarantine")))


class DuckDb(_Sql):
    """DuckDB over the list of files, each question anew."""

    def take(self, files: Sequence[str], work: Path) -> None:
        self.connection = import_module("duckdb").connect()
        self.connection.execute("SET threads = 2")
        self.source = f"read_parquet({list(files)})"

    def run(self, sql: str) -> Rows:
        found: Rows = self.connection.execute(sql).fetchall()
        return found


class DuckLake(_Sql):
    """DuckLake's registration of existing files."""

    source = "lake.spans"

    def take(self, files: Sequence[str], work: Path) -> None:
        duckdb = import_module("duckdb")
        package = import_module("duckdb_extension_ducklake")
        (binary,) = Path(package.__file__).parent.rglob("*.duckdb_extension")
        config = {"extension_directory": str(work / "extensions")}
        self.connection = duckdb.connect(config=config)
        self.connection.execute("SET threads = 2")
        self.connection.execute(f"INSTALL '{binary}'")
        self.connection.execute("LOAD ducklake")
        self.connection.execute(
            f"ATTACH 'ducklake:{work}/lake.ducklake' AS lake (DATA_PATH '{work}/data')"
        )
        self.connection.execute(
            f"CREATE TABLE lake.spans AS FROM read_parquet('{files[0]}') LIMIT 0"
        )
        self.connection.execute("BEGIN")
        for file in files:
            self.connection.execute(f"CALL ducklake_add_data_files('lake', 'spans', '{file}')")
        self.connection.execute("COMMIT")

    run = DuckDb.run


class Polars:
    """polars, lazily over the files."""

    def take(self, files: Sequence[str], work: Path) -> None:
        self.polars = import_module("polars")
        self.frame = self.polars.scan_parquet(list(files), glob=False)

    def trace(self, trace: str) -> Rows:
        chosen = self.frame.filter(self.polars.col("trace_id") == trace)
        return self._rows(chosen.select("span_id", "attributes"))

    def roots(self, service: str) -> Rows:
        column = self.polars.col
        chosen = self.frame.filter(
            (column("service_name") == service) & column("parent_span_id").is_null()
        )
        newest = chosen.sort("start_time", descending=True).head(100)
        return self._rows(newest.select("trace_id", "span_id"))

    def services(self) -> Rows:
        return self._rows(self.frame.group_by("service_name").agg(self.polars.len()))

    def total(self) -> Rows:
        named = (self.polars.col("name") == NAMED).sum()
        return self._rows(self.frame.select(self.polars.len(), named))

    def _rows(self, frame: Any) -> Rows:
        found: Rows = frame.collect().rows()
        return found


class Iceberg:
    """pyiceberg's registration; it reads no nanoseconds, so of copies in microseconds."""

    def take(self, files: Sequence[str], work: Path) -> None:
        catalogs = import_module("pyiceberg.catalog.sql")
        self.expressions = import_module("pyiceberg.expressions")
        catalog = catalogs.SqlCatalog(
            "local", uri=f"sqlite:///{work}/iceberg.db", warehouse=f"file://{work}/warehouse"
        )
        catalog.create_namespace("spans")
        schema = import_module("pyarrow.parquet").read_schema(files[0]).remove_metadata()
        self.table = catalog.create_table("spans.spans", schema)
        self.table.add_files(list(files))

    def trace(self, trace: str) -> Rows:
        return self._rows(self.expressions.EqualTo("trace_id", trace), "span_id", "attributes")

    def roots(self, service: str) -> Rows:
        chosen = self.expressions.And(
            self.expressions.EqualTo("service_name", service),
            self.expressions.IsNull("parent_span_id"),
        )
        columns = ("trace_id", "span_id", "start_time")
        table = self.table.scan(chosen, selected_fields=columns).to_arrow()
        newest = table.sort_by([("start_time", "descending")]).slice(0, 100)
        return [(row["trace_id"], row["span_id"]) for row in newest.to_pylist()]

    def services(self) -> Rows:
        table = self.table.scan(selected_fields=("service_name",)).to_arrow()
        counted = table.group_by("service_name").aggregate([([], "count_all")])
        return [(row["service_name"], row["count_all"]) for row in counted.to_pylist()]

    def total(self) -> Rows:
        names = self.table.scan(selected_fields=("name",)).to_arrow()["name"].to_pylist()
        return [(len(names), names.count(NAMED))]

    def _rows(self, chosen: Any, *columns: str) -> Rows:
        table = self.table.scan(chosen, selected_fields=columns).to_arrow()
        return [tuple(row[name] for name in columns) for row in table.to_pylist()]


class Delta(_Sql):
    """delta-rs: the folder converted into a Delta table, of copies in microseconds."""

    source = "spans"

    def take(self, files: Sequence[str], work: Path) -> None:
        deltalake = import_module("deltalake")
        root = os.path.commonpath([os.path.dirname(file) for file in files])
        deltalake.convert_to_deltalake(root)
        table = deltalake.DeltaTable(root)
        self.query = deltalake.QueryBuilder().register("spans", table)

    def run(self, sql: str) -> Rows:
        arrow = import_module("pyarrow")
        table = arrow.table(self.query.execute(sql))
        return [tuple(row.values()) for row in table.to_pylist()]


class ChdbFiles(_Sql):
    """chdb over the files, each question anew."""

    def take(self, files: Sequence[str], work: Path) -> None:
        session = import_module("chdb.session")
        root = os.path.commonpath([os.path.dirname(file) for file in files])
        self.session = session.Session(str(work / "chdb"))
        self.source = f"file('{root}/**/*.parquet', Parquet)"

    def run(self, sql: str) -> Rows:
        table = import_module("pyarrow").ipc.open_file(self.session.query(sql, "Arrow").bytes())
        return [tuple(row.values()) for row in table.read_all().to_pylist()]


class ChdbMergeTree(ChdbFiles):
    """chdb with the spans copied into a MergeTree table, as the ClickHouse exporter orders it."""

    def take(self, files: Sequence[str], work: Path) -> None:
        super().take(files, work)
        self.session.query("CREATE DATABASE IF NOT EXISTS peers ENGINE = Atomic")
        self.session.query(
            "CREATE TABLE peers.spans ENGINE = MergeTree ORDER BY (service_name, name, start_time) "
            f"AS SELECT * FROM {self.source} LIMIT 0"
        )
        self.session.query(
            "ALTER TABLE peers.spans ADD INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1"
        )
        self.session.query(f"INSERT INTO peers.spans SELECT * FROM {self.source}")
        self.source = "peers.spans"


CONTESTANTS: dict[str, Callable[[], Contestant]] = {
    "this index": Index,
    "DuckDB over the files": DuckDb,
    "DuckLake add_data_files": DuckLake,
    "pyiceberg add_files": Iceberg,
    "delta-rs convert": Delta,
    "polars over the files": Polars,
    "chdb over the files": ChdbFiles,
    "chdb MergeTree (copied)": ChdbMergeTree,
}
IN_MICROSECONDS = {"pyiceberg add_files", "delta-rs convert"}
"""Read no nanoseconds, and the second writes beside the files: they get copies of their own."""


def copied(files: Sequence[str], folder: Path, *, codec: str = "zstd") -> list[str]:
    """The same files with times in microseconds, checksums kept, below another folder."""
    parquet = import_module("pyarrow.parquet")
    arrow = import_module("pyarrow")
    micros = arrow.timestamp("us", "UTC")
    made = []
    for number, file in enumerate(files):
        target = folder / f"{number:06}.parquet"
        table = parquet.read_table(file)
        for name in ("start_time", "end_time"):
            at = table.schema.get_field_index(name)
            column = table[name].cast(micros, safe=False)
            table = table.set_column(at, arrow.field(name, micros, nullable=False), column)
        parquet.write_table(
            table,
            target,
            write_page_checksum=True,
            compression=codec,
            use_dictionary=codec != "none",
        )
        made.append(str(target))
    return made


def emptied(folder: Path) -> Path:
    """The folder, new."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
