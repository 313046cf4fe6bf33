"""Whether a file is still the one that was indexed, before a row of it is shown as a span's.

Size and times tell at the cost of a look. Where only the change time, the inode or the device is
another, as after a change of permissions or on a volume mounted anew, the footer tells: it has the
bounds of every column. The data of a block has no names for some of its attributes, so what lies
beside it is looked at each time. So no span is shown with the payload of another that has taken its
place.
"""

from collections.abc import Callable
from typing import TypeVar

from indexer.errors import FileChanged, FileVanished, NotRegularFile
from indexer.model import ParquetFileInfo
from indexer.read.block_meta import file_digest, may_have_meta
from indexer.system.storage import LocalStorage

T = TypeVar("T")


def read_registered(
    storage: LocalStorage,
    info: ParquetFileInfo,
    digest: str,
    read: Callable[[ParquetFileInfo], T],
) -> T:
    """What ``read`` makes of the registered file, which it opens. Raises like ``find_registered``.

    To open a file tells whether it is the one of ``info``: it is looked for where it is not.
    """
    if info.changed_unix_nano and not may_have_meta(info.relative_path):
        try:
            return read(info)
        except (FileChanged, FileVanished, NotRegularFile):
            now = find_registered(storage, info, digest)
            if now == info:
                raise
            return read(now)
    return read(find_registered(storage, info, digest))


def find_registered(storage: LocalStorage, info: ParquetFileInfo, digest: str) -> ParquetFileInfo:
    """The registered file as it is now, to be opened.

    ``digest`` is of the footer that was registered. Raises FileVanished and FileChanged when there
    is no such file any more, FileUnreadable when that cannot be known.
    """
    path = info.relative_path
    entry = storage.stat(path)
    if entry is None:
        raise FileVanished("the file is gone", path=path)
    now = entry.info
    if now == info and not may_have_meta(path):
        return now
    if now.stamp == info.stamp:
        with storage.open(now) as source:
            if file_digest(storage, source, path) == digest:
                return now
    raise FileChanged("the file is not the one that was indexed", path=path)
