"""Values that cross a stage boundary: frozen, slotted, checked on construction."""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Literal

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetFileInfo:
    """One data file as a listing saw it.

    ``path`` is absolute, ``relative_path`` is below the storage root and uses ``/``: the second
    is the file's name in the index, so a root mounted elsewhere is the same storage.
    """

    path: str
    relative_path: str
    size_bytes: int
    modified_unix_nano: int
    device: int
    inode: int
    changed_unix_nano: int = 0
    """When bytes, name or permissions changed last (st_ctime), which no writer can set back; 0 is
    not known."""

    def __hash__(self) -> int:
        """Quick: what is kept of files is found by it."""
        return hash(self.path)

    @property
    def mtime(self) -> float:
        """Seconds since 1970, for people; identity uses the exact nanoseconds."""
        return self.modified_unix_nano / 1e9

    @property
    def stamp(self) -> tuple[int, int]:
        """(size in bytes, modification time in ns): what a listing can tell of a change."""
        return (self.size_bytes, self.modified_unix_nano)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootIdentity:
    """The folder that the storage root is, whatever its path says."""

    device: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All data files below the root at one moment, and what could not be looked into.

    An absent file below an ``unlisted`` prefix is not a removed file.
    """

    files: tuple[ParquetFileInfo, ...]
    unlisted: tuple[tuple[str, str], ...] = ()
    """(relative path, reason) of what could not be listed or looked at; the root is ``""``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredFile:
    """What the index remembers of a file that a listing can confirm."""

    file_id: int
    relative_path: str
    size_bytes: int
    modified_unix_nano: int
    device: int
    inode: int
    footer_digest: str
    changed_unix_nano: int = 0

    @property
    def stamp(self) -> tuple[int, int]:
        """(size in bytes, modification time in ns)."""
        return (self.size_bytes, self.modified_unix_nano)

    def info_at(self, path: str) -> ParquetFileInfo:
        """The file as it was registered; ``path`` is its absolute one."""
        return ParquetFileInfo(
            path=path,
            relative_path=self.relative_path,
            size_bytes=self.size_bytes,
            modified_unix_nano=self.modified_unix_nano,
            device=self.device,
            inode=self.inode,
            changed_unix_nano=self.changed_unix_nano,
        )

    def is_still(self, info: ParquetFileInfo) -> bool:
        """Whether nothing tells the file from the one that was indexed, its footer unread."""
        return (
            self.stamp == info.stamp
            and (self.device, self.inode) == (info.device, info.inode)
            and self.changed_unix_nano == info.changed_unix_nano
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedFile:
    """A file that was refused, why, and what to do about it."""

    relative_path: str
    file_path: str
    error_type: str
    error_message: str
    hint: str
    transient: bool
    size_bytes: int
    modified_unix_nano: int
    tries: int = 1

    @property
    def stamp(self) -> tuple[int, int]:
        """(size in bytes, modification time in ns) of the refused bytes."""
        return (self.size_bytes, self.modified_unix_nano)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFooter:
    """A Parquet footer's facts."""

    row_count: int
    row_group_count: int
    footer_digest: str
    """blake2b-128 of the footer bytes, hex: changes when any statistic or offset does."""
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one pipeline; see the settings for their meaning."""

    batch_files: int = 1000
    """Files of one transaction."""
    batch_spans: int = 400_000
    """A transaction is closed once it has so many spans: three full row groups are written
    straight to the database file, where smaller transactions pass through the log."""
    group_files: int = 128
    """Files one reader task takes."""
    group_bytes: int = 8 << 20
    """Parquet bytes one reader task takes; a larger file goes alone."""
    rows_max: int = 20_000_000
    settle_s: float = 10.0
    readers: int = 2
    attributes_memory: str = "256MiB"
    """DuckDB may use it to take attributes out of files."""
    read_ahead: int = 24
    """Reader tasks that are under way or done while a transaction commits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outstanding:
    """What the worker knows of the storage and the index does not hold as it is."""

    files: int
    """That were seen and are not decided."""
    lacking: frozenset[str] | None
    """Relative paths of those whose spans an answer may lack or have wrong; None for too many."""
    problems: tuple[str, ...] = ()
    """Why more may be missing than is known."""
    version: int = 0
    """Another one once something more was noticed."""


@dataclass(slots=True)
class Progress:
    """Counters of one run, for progress bars, logs and ``status``."""

    files_registered: int = 0
    files_removed: int = 0
    files_quarantined: int = 0
    spans_registered: int = 0
    files_pending: int = 0
    transactions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing an audit found to be untrue."""

    invariant: str
    relative_path: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The audit's answer: which invariants were checked, and every difference."""

    mode: Literal["full", "fast"]
    files: int
    spans: int
    digest: str
    findings: Sequence[Finding] = field(default_factory=tuple)
    pending: Sequence[str] = field(default_factory=tuple)

    @property
    def passed(self) -> bool:
        """No difference found."""
        return not self.findings


AuditStep = Callable[[str, int, int], None]
"""Called with (what, done, of how many) as an audit goes on."""
