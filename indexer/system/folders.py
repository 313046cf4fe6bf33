"""What the storage says of a folder: its entries, the names it keeps to itself, its version."""

from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderEntry:
    """One name in a folder. ``info`` is of the target where the entry is a symbolic link."""

    name: str
    is_folder: bool
    is_link: bool
    info: ParquetFileInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenEntry:
    """One name in a folder that the system does not let one look at."""

    name: str
    is_file: bool
    """Certainly; else it may be a folder or a link."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderVersion:
    """What changes with every name that comes into a folder or leaves it."""

    device: int
    inode: int
    modified_unix_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderContents:
    """What a folder holds."""

    entries: tuple[FolderEntry, ...]
    unseen: tuple[UnseenEntry, ...] = ()
    """In order of name."""
    version: FolderVersion | None = None
    """Of the folder, from before its names were read."""
    is_fresh: bool = False
    """The folder had changed just before: one more change may leave it the same version."""
