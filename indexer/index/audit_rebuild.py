"""The comparison of a catalog with one that is built anew from the same files (I1)."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from indexer.catalog.database import Catalog
from indexer.catalog.digest import CatalogDigest, catalog_digest
from indexer.catalog.files import FileRegister
from indexer.catalog.promoted import missing_keys
from indexer.deferred_dataclass import dataclass
from indexer.index.pipeline import Pipeline
from indexer.index.session import limits_of
from indexer.model import AuditStep, Finding, ParquetFileInfo
from indexer.settings import Settings
from indexer.system.clock import Clock
from indexer.system.counted_nouns import counted
from indexer.system.storage import LocalStorage


@dataclass(frozen=True, slots=True)
class _Derived:
    """Columns of one table that must equal a rebuild's: all but file ids, places and times."""

    table: str
    columns: str
    after_promotion: bool = False
    """They are there once the file has given its attributes."""


_DERIVED = (
    _Derived(
        "parquet_files",
        "footer_digest, content_digest, dialect, service_name, min_time, max_time, row_count, "
        "size_bytes, span_count, owned_span_count, rejected_spans, duplicate_spans, "
        "clamped_values, other_operation_spans",
    ),
    _Derived(
        "trace_files",
        "trace_id, parts.span_count, parts.owned_span_count, error_count, start_time_unix_nano, "
        "end_time_unix_nano, root_name, root_service_name",
    ),
    _Derived("trace_files", "trace_id, attribute_flags", after_promotion=True),
    _Derived(
        "file_services",
        "parts.service_name, parts.span_count, root_span_count, first_start_unix_nano, "
        "first_known_start_unix_nano, last_start_unix_nano",
    ),
    _Derived("file_operations", "parts.service_name, parts.name, span_kind, parts.span_count"),
    _Derived("file_attributes", "key_id, value_count, error_type", after_promotion=True),
    _Derived(
        "indexed_attributes",
        "file_row_number, position_in_row, key_id, value",
        after_promotion=True,
    ),
)


def compare_with_rebuild(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    files: Sequence[ParquetFileInfo],
    digest: CatalogDigest,
    clock: Clock,
    step: AuditStep,
) -> list[Finding]:
    """What differs in ``files``, which are those of the catalog, as they are now.

    ``digest`` is the catalog's. Files that have not given their attributes yet are not compared by
    these.
    """
    with tempfile.TemporaryDirectory(prefix="span-audit-") as folder:
        rebuilt = Path(folder) / "rebuilt.duckdb"
        keys = connection.execute("FROM promoted_attributes").fetchall()
        _build(settings, rebuilt, storage, files, keys, clock, step)
        quoted = str(rebuilt).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS rebuilt (READ_ONLY)")
        try:
            expected = catalog_digest(connection, "rebuilt")
            return [
                *_compare_digests(digest, expected),
                *_compare_derived(connection, expected),
            ]
        finally:
            connection.execute("DETACH rebuilt")


def _build(
    settings: Settings,
    path: Path,
    storage: LocalStorage,
    files: Sequence[ParquetFileInfo],
    keys: list[tuple[int, str]],
    clock: Clock,
    step: AuditStep,
) -> None:
    """A catalog of the files that the audited one has registered, as they are now.

    ``keys`` are the audited catalog's promoted attributes with their numbers.
    """
    catalog = Catalog.open(path, memory_limit=settings.memory_limit, threads=settings.threads)
    try:
        for key in keys:
            catalog.connection.execute("INSERT INTO promoted_attributes VALUES (?, ?)", key)
        register = FileRegister(
            catalog, clock, settings.storage_root, operations_max=settings.operations_max
        )
        pipeline = Pipeline(storage, register, clock, limits_of(settings))
        try:
            for info in files:
                pipeline.backlog.offer(info)
            total = len(files)
            pipeline.drain(
                lambda: False,
                lambda: step("rebuilding", pipeline.progress.files_registered, total),
            )
            pipeline.promotion.finish(lambda: False)
        finally:
            pipeline.close()
        catalog.checkpoint()
    finally:
        catalog.close()


def _compare_digests(digest: CatalogDigest, expected: CatalogDigest) -> Iterable[Finding]:
    for path in sorted(digest.files.keys() & expected.files.keys()):
        if digest.files[path] != expected.files[path]:
            detail = (
                f"holds {counted(digest.spans[path], 'span')} with digest {digest.files[path]}, "
                f"a rebuild holds {expected.spans[path]} with {expected.files[path]}"
            )
            yield Finding(invariant="I1", relative_path=path, detail=detail)


def _compare_derived(
    connection: duckdb.DuckDBPyConnection, expected: CatalogDigest
) -> Iterable[Finding]:
    for derived in _DERIVED:
        sides = [_derived(derived, name) for name in (quoted_name(connection), "rebuilt")]
        differing = connection.execute(
            f"SELECT DISTINCT relative_path FROM (({sides[0]} EXCEPT ALL {sides[1]}) "
            f"UNION ALL ({sides[1]} EXCEPT ALL {sides[0]})) ORDER BY relative_path"
        ).fetchall()
        behind = set(unpromoted(connection)) if derived.after_promotion else set()
        for (path,) in differing:
            if path in expected.files and path not in behind:
                detail = f"{derived.table} differs from a rebuild"
                yield Finding(invariant="I1", relative_path=path, detail=detail)


def _derived(derived: _Derived, catalog: str) -> str:
    joined = f"JOIN {catalog}.{derived.table} AS parts USING (file_id)"
    return (
        f"SELECT relative_path, {derived.columns} FROM {catalog}.parquet_files "
        f"{'' if derived.table == 'parquet_files' else joined}"
    )


def unpromoted(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Paths of files that have not given all promoted attributes yet."""
    behind = missing_keys(connection)
    paths = connection.execute("SELECT file_id, relative_path FROM parquet_files").fetchall()
    return [path for file_id, path in paths if file_id in behind]


def quoted_name(connection: duckdb.DuckDBPyConnection) -> str:
    """The name of the connection's database, as an identifier of SQL."""
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    return '"' + str(name).replace('"', '""') + '"'
