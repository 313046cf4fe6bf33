"""What lies beside the data of a block and belongs to it: ``meta.json``, a part of its identity."""

import posixpath
from hashlib import blake2b

import pyarrow as pa

from indexer.errors import FileFault
from indexer.parquet.footer import footer_digest
from indexer.system.storage import LocalStorage

DATA = "data.parquet"
"""The file of a block that is Parquet."""
METAS = ("meta.json", "meta.compacted.json", "meta.deleted.json")
"""Of these the first that is there: Tempo renames it once a newer block has the same spans."""
META_BYTES_MAX = 1 << 20
"""A hundred times what a block with all dedicated columns has."""


def may_have_meta(path: str) -> bool:
    """Whether the file may be the data of a block."""
    return posixpath.basename(path) == DATA


def read_meta(storage: LocalStorage, path: str) -> bytes | None:
    """What is beside the data of a block; None where nothing is.

    Raises FileFault when it is too large, TransientError when it cannot be read.
    """
    if not may_have_meta(path):
        return None
    folder = posixpath.dirname(path)
    for name in METAS:
        entry = storage.stat(posixpath.join(folder, name))
        if entry is None or entry.is_folder:
            continue
        if entry.info.size_bytes > META_BYTES_MAX:
            message = f"{name} has {entry.info.size_bytes} bytes, limit {META_BYTES_MAX}"
            raise FileFault(message, path=path)
        with storage.open(entry.info) as source:
            content: bytes = source.read()
            return content
    return None


def file_digest(storage: LocalStorage, source: pa.NativeFile, path: str) -> str:
    """The digest of a file: of its footer, and of what is beside it. Raises like both readings."""
    content = read_meta(storage, path)
    digest = footer_digest(source, path)
    return digest if content is None else digest_with(digest, content)


def digest_with(digest: str, content: bytes) -> str:
    """The digest of a footer together with that of the content beside the file."""
    beside = blake2b(content, digest_size=16).hexdigest()
    return blake2b(f"{digest}{beside}".encode(), digest_size=16).hexdigest()
