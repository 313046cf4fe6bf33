"""What the writer keeps in memory of its catalog: enough to decide what to do next.

All of it is derived from the catalog and changes only after a commit; when a commit fails, it is
loaded again.
"""

from collections.abc import Iterable
from dataclasses import field
from typing import Self

import duckdb

from indexer.catalog.file_scans import unscanned_files
from indexer.catalog.promoted import missing_keys, unreadable_files
from indexer.catalog.quarantine import STILL_RETRIED, refused_stamp, refused_stamps
from indexer.catalog.services import service_names
from indexer.catalog.staging import Staged
from indexer.catalog.totals import FileTotals, Totals
from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo, QuarantinedFile, RegisteredFile
from indexer.spans.identifiers import parse_hex
from indexer.spans.identity import trace_keys
from indexer.system.duckdb_rows import arrow_batches, plain_rows

_FILES = """
SELECT file_id, relative_path, size_bytes, modified_unix_nano, device, inode, footer_digest,
       changed_unix_nano
FROM parquet_files
"""


@dataclass(slots=True)
class Known:
    """Registered and refused files by relative path, and which files hold a trace."""

    files: dict[str, RegisteredFile] = field(default_factory=dict)
    refused: dict[str, tuple[int, int]] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)
    directory: TraceDirectory = field(default_factory=TraceDirectory)
    unpromoted: dict[int, frozenset[int]] = field(default_factory=dict)
    """Numbers of the attributes that files have not given yet, by file_id."""
    unscanned: set[int] = field(default_factory=set)
    """Files whose columns were not looked at yet."""
    unreadable: set[int] = field(default_factory=set)
    """Files that cannot give some attribute."""
    retried: set[str] = field(default_factory=set)
    """Those of the refused files that are still tried."""
    of_files: FileTotals = field(default_factory=FileTotals)
    services: frozenset[str] = frozenset()
    """All that the catalog names."""
    next_file_id: int = 1

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection) -> Self:
        """Everything, from the catalog."""
        known = cls(
            refused=refused_stamps(connection),
            unpromoted=missing_keys(connection),
            unscanned=unscanned_files(connection),
            unreadable=unreadable_files(connection),
            of_files=FileTotals.read(connection),
            services=service_names(connection),
        )
        known.retried = {path for path, stamp in known.refused.items() if stamp == STILL_RETRIED}
        for row in plain_rows(connection, _FILES):
            known._put(RegisteredFile(**row))
        known.next_file_id = max(known.paths, default=0) + 1
        for rows in arrow_batches(connection, "SELECT trace_id, file_id FROM trace_files"):
            (high, low), _ = parse_hex(rows["trace_id"], digits=32)
            known.directory.add(trace_keys(high, low), rows["file_id"].to_numpy())
        return known

    @property
    def totals(self) -> Totals:
        """What the catalog holds, in numbers; for any thread."""
        return Totals(
            of_files=self.of_files,
            files_to_promote=len(self.unpromoted),
            files_without_attributes=len(self.unreadable),
            quarantined_files=len(self.refused),
            quarantined_transient=len(self.retried),
        )

    def refuse(self, files: Iterable[QuarantinedFile]) -> None:
        """Files that were refused just now."""
        for file in files:
            self.refused[file.relative_path] = refused_stamp(file)
            (self.retried.add if file.transient else self.retried.discard)(file.relative_path)

    def release(self, relative_paths: Iterable[str]) -> None:
        """Files that are refused no more."""
        for path in relative_paths:
            self.refused.pop(path, None)
            self.retried.discard(path)

    def forget(self, relative_paths: Iterable[str]) -> None:
        """Files that are no longer registered. Their traces stay in the directory until a load."""
        for path in relative_paths:
            file_id = self.files.pop(path).file_id
            self.paths.pop(file_id, None)
            self.unpromoted.pop(file_id, None)
            self.unscanned.discard(file_id)
            self.unreadable.discard(file_id)

    def add(self, staged: Staged, key_ids: frozenset[int]) -> None:
        """Files that were registered just now; their traces are in the directory already."""
        for file, file_id in zip(staged.files, staged.file_ids, strict=True):
            self._put(_registered(file.info, int(file_id), file.footer.footer_digest))
            self.unscanned.add(int(file_id))
            if key_ids:
                self.unpromoted[int(file_id)] = key_ids
        self.next_file_id += len(staged.files)

    def relocate(self, files: Iterable[ParquetFileInfo]) -> None:
        """Known files on another device or inode, or with another change time."""
        for info in files:
            old = self.files.get(info.relative_path)
            if old is not None:
                self._put(_registered(info, old.file_id, old.footer_digest))

    def _put(self, file: RegisteredFile) -> None:
        self.files[file.relative_path] = file
        self.paths[file.file_id] = file.relative_path


def _registered(info: ParquetFileInfo, file_id: int, footer_digest: str) -> RegisteredFile:
    return RegisteredFile(
        file_id=file_id,
        relative_path=info.relative_path,
        size_bytes=info.size_bytes,
        modified_unix_nano=info.modified_unix_nano,
        device=info.device,
        inode=info.inode,
        footer_digest=footer_digest,
        changed_unix_nano=info.changed_unix_nano,
    )
