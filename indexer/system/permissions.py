"""Who may read what this program makes, whatever the umask of its process.

The log, the catalog, the poller's state, refused requests, locks and the socket are for the user
of this program alone. Span files and published snapshots are for the readers beside it, by
default its group: an ingestion and its indexer may run as two users.
"""

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

from indexer.deferred_dataclass import dataclass

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
"""DuckDB makes its write-ahead log and what it spills with the umask; nobody else gets to them."""
_SPECIAL_BITS = 0o7000
"""Set-group-ID of a folder hands its group on to what is made inside; no change here takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileModes:
    """Modes of what others read: of span files and snapshots, and of the folders on the way."""

    file: int = 0o640
    folder: int = 0o750

    @classmethod
    def of(cls, file: int) -> Self:
        """The modes for files of this mode: whoever may read them may enter their folder.

        Raises ValueError for a mode that its owner cannot read and write, that lets everybody
        write, or that has other bits than those to read and to write.
        """
        if file & PRIVATE_FILE != PRIVATE_FILE or file & ~0o664:
            raise ValueError(f"invalid file mode {file:04o}: expected 0600 to 0664, such as 0640")
        return cls(file=file, folder=file | 0o100 | (file & 0o044) >> 2)


DEFAULT_MODES = FileModes()


def set_mode(path: str | Path | int, mode: int) -> None:
    """Give a file or folder of ours, by path or descriptor, exactly this mode.

    One that belongs to somebody else stays as it is. Raises OSError.
    """
    status = os.stat(path)
    wanted = mode | stat.S_IMODE(status.st_mode) & _SPECIAL_BITS
    if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != wanted:
        _change(path, wanted)


def restrict(paths: Iterable[str | Path], mode: int) -> None:
    """Take what is beyond the mode from files and folders of ours that an older version made.

    Links are not followed; what is missing, or belongs to somebody else, is left out.
    """
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            status = os.lstat(path)
            allowed = stat.S_IMODE(status.st_mode) & (mode | _SPECIAL_BITS)
            is_ours = status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode)
            if is_ours and allowed != stat.S_IMODE(status.st_mode):
                _change(path, allowed)


def _change(path: str | Path | int, mode: int) -> None:
    """Of what is ours. What refuses it is a file system without modes, where the mount decides."""
    try:
        os.chmod(path, mode)
    except PermissionError:
        return
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
