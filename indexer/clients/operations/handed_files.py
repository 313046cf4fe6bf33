"""Files with the metadata of hot spans, which commands of the same user map into their memory.

What is the same value is the same file, and it is gone when nobody holds it any more.
"""

import os
import secrets
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary, finalize

import pyarrow as pa

from indexer.errors import HotUnavailable
from indexer.hot.metadata import HotMetadata
from indexer.system.permissions import PRIVATE_FILE


class HandedFile:
    """One of them; whoever holds this may tell its path."""

    def __init__(self, path: Path, rows: pa.Table) -> None:
        """Raises OSError."""
        self.path = path
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))
        finalize(self, path.unlink, missing_ok=True)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
            writer.write_table(rows)


class HandedFiles:
    """Those of one worker. For any thread."""

    def __init__(self) -> None:
        self._files: WeakKeyDictionary[HotMetadata, HandedFile] = WeakKeyDictionary()
        self._lock = Lock()

    def file(self, rows: HotMetadata, folder: Path) -> HandedFile:
        """The file with these rows, made in the folder if there is none.

        Raises HotUnavailable where it cannot be made.
        """
        with self._lock:
            found = self._files.get(rows)
            if found is None or found.path.parent != folder:
                try:
                    found = HandedFile(folder / f"hot-{secrets.token_hex(8)}.arrow", rows.table)
                except OSError as error:
                    raise HotUnavailable(
                        f"hot spans cannot be handed over: {error}",
                        hint=f"Make room for them in {folder}.",
                    ) from error
                self._files[rows] = found
        return found
