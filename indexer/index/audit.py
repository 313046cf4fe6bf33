"""The proof that the catalog holds exactly what the files say.

A full audit reads every page of every column of every indexed file, builds a second catalog from
the same files, and compares the two, file by file (I1); what searches have learnt of files, which
no rebuild has, is compared with the values in them. Beside that it checks, on the catalog alone,
that no span is there twice (I2), that every file is whole (I3) and that services are the aggregate
of the spans (I5); and on the disk, that every finished file is registered or quarantined (I4). A
fast audit compares identities only.

It works on a catalog that nobody writes to: a snapshot while a worker runs.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import duckdb

from indexer.catalog.database import Catalog
from indexer.catalog.digest import catalog_digest
from indexer.contracts import audit_queries
from indexer.discover.listing import list_files
from indexer.errors import FileEndsProcess, IndexerError
from indexer.index.audit_rebuild import compare_with_rebuild, quoted_name, unpromoted
from indexer.index.audit_summaries import check_summaries
from indexer.model import AuditReport, AuditStep, Finding, Listing, ParquetFileInfo
from indexer.parquet.file_columns import read_footer
from indexer.read.block_meta import file_digest, may_have_meta
from indexer.read.group import read_group
from indexer.read.payload import read_every_page
from indexer.settings import Settings
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage, display_path

_REGISTERED = """
SELECT relative_path, size_bytes, modified_unix_nano, changed_unix_nano, footer_digest
FROM parquet_files
"""


def audit(
    settings: Settings,
    catalog_path: Path,
    clock: Clock,
    *,
    listing: Listing | None = None,
    mode: Literal["full", "fast"] = "full",
    step: AuditStep = lambda _what, _done, _total: None,
) -> AuditReport:
    """Check the catalog file against the storage.

    ``listing`` was made before the catalog file was taken from a running worker: what has come
    or changed since is on its way, and not lost. Raises CatalogUnreadable or CatalogBusy when
    the catalog cannot be opened for reading.
    """
    catalog = Catalog.open(
        catalog_path,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        read_only=True,
    )
    try:
        connection = catalog.connection
        disk = _Disk(settings, connection, listing)
        findings = list(disk.findings())
        findings += _check_invariants(connection)
        digest = catalog_digest(connection, quoted_name(connection))
        disk.pending += unpromoted(connection)
        if mode == "full":
            findings += _every_page(disk.storage, disk.unchanged, settings.reader_threads, step)
            findings += check_summaries(connection, disk.storage, disk.unchanged, step)
            findings += compare_with_rebuild(
                settings, connection, disk.storage, disk.unchanged, digest, clock, step
            )
    finally:
        catalog.close()
    return AuditReport(
        mode=mode,
        files=len(digest.files),
        spans=sum(digest.spans.values()),
        digest=digest.total,
        findings=tuple(findings),
        pending=tuple(disk.pending),
    )


class _Disk:
    """The storage beside what the catalog says of it."""

    def __init__(
        self,
        settings: Settings,
        connection: duckdb.DuckDBPyConnection,
        before: Listing | None,
    ) -> None:
        self.storage = LocalStorage(settings.storage_root)
        now = list_files(self.storage)
        self._unlisted = now.unlisted
        self._present = {display_path(info.relative_path): info for info in now.files}
        self._before = {info.relative_path: info for info in (before or now).files}
        self._registered: dict[str, tuple[int, int]] = {}
        self._footers: dict[str, tuple[int, str]] = {}
        for path, size, modified, *footer in connection.execute(_REGISTERED).fetchall():
            self._registered[path] = (size, modified)
            self._footers[path] = (footer[0], footer[1])
        self._quarantined: dict[str, tuple[int, int]] = {
            path: (size, modified)
            for path, size, modified in connection.execute(
                "SELECT relative_path, size_bytes, modified_unix_nano FROM quarantined_files"
            ).fetchall()
        }
        self._deadly = {
            path
            for (path,) in connection.execute(
                "SELECT relative_path FROM quarantined_files WHERE error_type = ?",
                [FileEndsProcess.__name__],
            ).fetchall()
        }
        self._rows_max = settings.file_rows_max
        self.unchanged = [
            info for path, info in self._present.items() if self._registered.get(path) == info.stamp
        ]
        self.pending: list[str] = []

    def findings(self) -> Iterable[Finding]:
        """I4 and the identity half of I1."""
        for folder, reason in self._unlisted:
            yield Finding(invariant="I4", relative_path=folder or None, detail=reason)
        for path, info in self._present.items():
            if self._registered.get(path) == info.stamp and self._has_its_footer(path, info):
                continue
            if not self._was_there(info):
                self.pending.append(path)
            elif self._quarantined.get(path) == info.stamp:
                yield from self._check_refusal(path, info)
            elif self._has_footer(info):
                detail = (
                    "changed since it was indexed"
                    if path in self._registered
                    else ("is finished and neither indexed nor quarantined")
                )
                yield Finding(invariant="I4", relative_path=path, detail=detail)
            else:
                self.pending.append(path)
        for path in self._registered.keys() - self._present.keys():
            if not self._unlisted:
                yield Finding(invariant="I1", relative_path=path, detail="is indexed and gone")

    def _was_there(self, info: ParquetFileInfo) -> bool:
        """Whether the listing before already had the file as it is."""
        before = self._before.get(info.relative_path)
        return before is not None and (before.stamp, before.changed_unix_nano) == (
            info.stamp,
            info.changed_unix_nano,
        )

    def _has_its_footer(self, path: str, info: ParquetFileInfo) -> bool:
        """Whether the file has the footer that was indexed; read only where its change time tells.

        One that cannot be read now is taken for what it was: reading its pages says so.
        """
        changed_unix_nano, digest = self._footers[path]
        if changed_unix_nano == info.changed_unix_nano and not may_have_meta(path):
            return True
        try:
            with self.storage.open(info) as source:
                return file_digest(self.storage, source, info.relative_path) == digest
        except IndexerError:
            return True

    def _check_refusal(self, path: str, info: ParquetFileInfo) -> Iterable[Finding]:
        if path in self._deadly:  # to read it would end the audit
            return
        if read_group(self.storage, [info], self._rows_max).batches:
            yield Finding(
                invariant="I4", relative_path=path, detail="is quarantined and reads well"
            )

    def _has_footer(self, info: ParquetFileInfo) -> bool:
        try:
            with self.storage.open(info) as source:
                read_footer(source, info.relative_path)
        except IndexerError:
            return False
        return True


def _check_invariants(connection: duckdb.DuckDBPyConnection) -> list[Finding]:
    return [
        Finding(invariant=invariant, relative_path=path, detail=detail)
        for invariant, query in audit_queries()
        for path, detail in connection.execute(query).fetchall()
    ]


def _every_page(
    storage: LocalStorage, files: list[ParquetFileInfo], threads: int, step: AuditStep
) -> list[Finding]:
    """Decode every column of every indexed file; what does not decode is named."""

    def check(info: ParquetFileInfo) -> Finding | None:
        try:
            read_every_page(storage, info)
        except IndexerError as error:
            detail = f"{error.error_type}: {error.message}"
            return Finding(invariant="I6", relative_path=info.relative_path, detail=detail)
        return None

    findings = []
    with ThreadPoolExecutor(threads) as pool:
        for done, finding in enumerate(pool.map(check, files), 1):
            step("reading pages", done, len(files))
            if finding is not None:
                findings.append(finding)
    return findings
