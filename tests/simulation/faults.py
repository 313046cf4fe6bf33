"""What goes wrong in a history: the process ends, a mount is lost or covered by an empty folder, a
folder cannot be listed.
"""

from __future__ import annotations

from typing import Any

from indexer.errors import StorageUnavailable
from indexer.model import RootIdentity
from indexer.system.folders import FolderContents, FolderEntry
from indexer.system.storage import LocalStorage

EMPTY = {"unmounted", "covered"}
"""Faults that leave an empty folder where the storage was: on another device, or on the same."""


class SimulatedCrash(BaseException):
    """The process ends here; nothing may catch it."""


class CrashingConnection:
    """A DuckDB connection that ends the process at a chosen statement, before or after it."""

    def __init__(self, connection: Any, fuse: int, *, after: bool) -> None:
        self._connection = connection
        self._fuse = fuse
        self._after = after

    def execute(self, *arguments: Any) -> Any:
        self._fuse -= 1
        if self._fuse == 0 and not self._after:
            raise SimulatedCrash
        result = self._connection.execute(*arguments)
        if self._fuse == 0:
            raise SimulatedCrash
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class FaultyStorage(LocalStorage):
    """The real folder, or what a lost mount or a forbidden folder looks like."""

    fault: str = ""

    def list_folder(self, relative_folder: str) -> FolderContents:
        if self.fault in EMPTY:
            return FolderContents(entries=())
        if self.fault == "unlistable" or (self.fault and self.fault == relative_folder):
            raise StorageUnavailable("injected", path=relative_folder)
        return super().list_folder(relative_folder)

    def nearest_device(self, relative_path: str) -> int | None:
        return 7 if self.fault == "unmounted" else super().nearest_device(relative_path)

    def stat(self, relative_path: str) -> FolderEntry | None:
        return None if self.fault in EMPTY else super().stat(relative_path)

    def root_identity(self) -> RootIdentity | None:
        identity = super().root_identity()
        if self.fault != "covered" or identity is None:
            return identity
        return RootIdentity(device=identity.device, inode=identity.inode + 1)
