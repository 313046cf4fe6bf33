"""A Parquet footer: the only proof that a file is finished.

Layout (Parquet format, "File Format"): ``PAR1``, pages, the Thrift footer, its length as four
little-endian bytes, ``PAR1``. An encrypted footer ends in ``PARE``.
"""

from hashlib import blake2b

import pyarrow as pa

from indexer.errors import FileEncrypted, FooterUnreadable

MAGIC = b"PAR1"
ENCRYPTED_MAGIC = b"PARE"
TAIL_BYTES = 8
FOOTER_BYTES_MAX = 256 * 1024 * 1024
"""A thousand columns in ten thousand row groups stay below; more is not a footer."""
FOOTER_GUESS_BYTES = 16 * 1024
"""Read from the end at first; most footers of span files fit."""


def footer_digest(source: pa.NativeFile, relative_path: str) -> str:
    """blake2b-128 of the footer bytes, hex. Raises like ``footer_bytes``."""
    return digest_of(footer_bytes(source, relative_path))


def digest_of(footer: bytes) -> str:
    """The same of footer bytes at hand."""
    return blake2b(footer, digest_size=16).hexdigest()


def footer_bytes(source: pa.NativeFile, relative_path: str) -> bytes:
    """The Thrift footer as it stands in the file.

    Raises FooterUnreadable when there is none, FileEncrypted when it is encrypted.
    """
    size = source.size()
    if size < TAIL_BYTES + len(MAGIC):
        raise FooterUnreadable(
            f"the file has {size} bytes, too few for Parquet", path=relative_path
        )
    guess = min(size, FOOTER_GUESS_BYTES)
    end = source.read_at(guess, size - guess)
    if end[-4:] == ENCRYPTED_MAGIC:
        raise FileEncrypted("the footer is encrypted", path=relative_path)
    if end[-4:] != MAGIC:
        raise FooterUnreadable("the file does not end in PAR1", path=relative_path)
    length = int.from_bytes(end[-8:-4], "little")
    if not 0 < length <= min(size - TAIL_BYTES - len(MAGIC), FOOTER_BYTES_MAX):
        raise FooterUnreadable(
            f"the footer claims {length} bytes, more than the file has", path=relative_path
        )
    if length > guess - TAIL_BYTES:
        end = source.read_at(length + TAIL_BYTES, size - TAIL_BYTES - length)
    return bytes(end[-TAIL_BYTES - length : -TAIL_BYTES])
