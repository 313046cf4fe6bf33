"""Which files a path, a pattern or a list of them names, and how each is opened."""

import glob
import io
import json
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from indexer.deferred_dataclass import dataclass
from indexer.errors import FileUnreadable, OtlpFileMissing, OtlpFileTooLarge, QueryRefused
from indexer.otlp.files.byte_stream import ZSTD, Source, compression_of

FILES_MAX = 100_000
"""Of one query: a list of their names is in memory."""
_PATTERN = re.compile(r"[*?\[]")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOCAL_SCHEME = "file://"


class RemoteFiles(Protocol):
    """Files that something else reaches, by URL."""

    def names(self, pattern: str) -> list[str]:
        """The URLs that fit the pattern."""

    def size_bytes(self, url: str) -> int:
        """How large the file is."""

    def content(self, url: str) -> bytes:
        """All of it."""


@dataclass(frozen=True, slots=True)
class FileAccess:
    """What may be read, and by what."""

    remote: RemoteFiles
    folder: Path | None = None
    """If given, only local files below it; relative paths begin there."""

    def names(self, asked: str) -> list[str]:
        """The files that a JSON text, a path or an array of paths, names, in order.

        Raises OtlpFileMissing for a path or pattern without a file, QueryRefused for one that may
        not be read, and for what is not a path.
        """
        said = json.loads(asked)
        paths = said if isinstance(said, list) else [said]
        if not paths or not all(isinstance(path, str) and path for path in paths):
            raise QueryRefused(
                f"invalid path {asked[:200]}", hint="Give a path, a pattern, or a list of them."
            )
        found = [name for path in paths for name in self._expand(path)]
        if len(found) > FILES_MAX:
            raise QueryRefused(f"{len(found)} files, limit {FILES_MAX}", hint="Ask for fewer.")
        return found

    def size_and_coding(self, name: str) -> tuple[int, bool]:
        """(bytes of the file, whether it may be compressed). Raises as ``open``."""
        if _is_remote(name):
            return self.remote.size_bytes(name), True
        with self._open_local(name) as file:
            head = file.read(len(ZSTD))
            return os.fstat(file.fileno()).st_size, compression_of(head) != "none"

    def open(self, name: str, bytes_max: int) -> Source:
        """Open a file that ``names`` named, up to the size that it has now.

        A remote one is read whole. Raises OtlpFileMissing, FileUnreadable, and OtlpFileTooLarge for
        a remote file of more than ``bytes_max``.
        """
        if not _is_remote(name):
            return _Prefix(self._open_local(name))
        size = self.remote.size_bytes(name)
        if size > bytes_max:
            raise OtlpFileTooLarge(
                f"{name} has {size} bytes, and a remote file is read whole, limit {bytes_max}",
                path=name,
            )
        return io.BytesIO(self.remote.content(name))

    def _open_local(self, name: str) -> io.FileIO:
        try:
            return open(self._checked(name), "rb", buffering=0)
        except OSError as error:
            raise FileUnreadable(f"{name}: {error.strerror}", path=name) from error

    def _expand(self, path: str) -> Sequence[str]:
        if _is_remote(path):
            if self.folder is not None:
                raise _refused(path, self.folder)
            return self.remote.names(path) if _PATTERN.search(path) else [path]
        local = os.path.expanduser(path.removeprefix(_LOCAL_SCHEME))
        if self.folder is not None:
            local = os.path.join(self.folder, local)
        if os.path.lexists(local):
            return [self._checked(local)]
        if not _PATTERN.search(local):
            raise OtlpFileMissing(f"File not found: {path}", path=path)
        found = sorted(name for name in glob.glob(local, recursive=True) if os.path.isfile(name))
        if not found:
            raise OtlpFileMissing(f"No files match the pattern: {path}", path=path)
        return [self._checked(name) for name in found]

    def _checked(self, name: str) -> str:
        """The path itself. Raises QueryRefused and FileUnreadable."""
        if self.folder is not None:
            real, root = os.path.realpath(name), os.path.realpath(self.folder)
            if os.path.commonpath([real, root]) != root:
                raise _refused(name, self.folder)
        try:
            mode = os.stat(name).st_mode
        except FileNotFoundError as error:
            raise OtlpFileMissing(f"File not found: {name}", path=name) from error
        except OSError as error:
            raise FileUnreadable(f"{name}: {error.strerror}", path=name) from error
        if not stat.S_ISREG(mode):
            what = "a folder; add /*" if stat.S_ISDIR(mode) else "not a regular file"
            raise FileUnreadable(f"{name} is {what}", path=name)
        return name


class _Prefix(io.RawIOBase):
    """A file up to the size that it had when it was opened; what is appended later is not read."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__()
        self._file = file
        self._left = os.fstat(file.fileno()).st_size

    def read(self, size: int = -1, /) -> bytes:
        found = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(found)
        return found

    def close(self) -> None:
        self._file.close()
        super().close()


def _is_remote(path: str) -> bool:
    return bool(_REMOTE.match(path)) and not path.startswith(_LOCAL_SCHEME)


def _refused(path: str, folder: Path) -> QueryRefused:
    return QueryRefused(
        f"{path} is not below {folder}", hint="Only files below it can be read here."
    )
