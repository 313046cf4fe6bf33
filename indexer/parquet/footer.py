"""A Parquet footer: the only proof that a file is finished.

Layout (Parquet format, "File Format"): ``PAR1``, pages, the Thrift footer, its length as four
little-endian bytes, ``PAR1``. An encrypted footer ends in ``PARE``.
"""

from hashlib import blake2b

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.errors import FooterUnreadable
from indexer.model import FileFooter
from indexer.parquet.checksums import decoding

MAGIC = b"PAR1"
ENCRYPTED_MAGIC = b"PARE"
TAIL_BYTES = 8
FOOTER_BYTES_MAX = 256 * 1024 * 1024
"""A thousand columns in ten thousand row groups stay below; more is not a footer."""
FOOTER_GUESS_BYTES = 16 * 1024
"""Read from the end at first; most footers of span files fit."""


def open_parquet(
    source: pa.NativeFile, relative_path: str, *, text_columns: tuple[str, ...] = ()
) -> tuple[pq.ParquetFile, FileFooter]:
    """The file ready for reading, page checksums verified, and its footer's facts.

    ``text_columns``, where the file has them, come back dictionary-encoded. Raises
    FooterUnreadable, or FileUnreadable when the bytes cannot be had.
    """
    with decoding(relative_path, refusal=FooterUnreadable):
        digest = footer_digest(source, relative_path)
        metadata = pq.read_metadata(source)
        leaves = set(metadata.schema.names)
        parquet = pq.ParquetFile(
            source,
            metadata=metadata,
            page_checksum_verification=True,
            pre_buffer=False,  # for distant storage: costs 0.2 ms a file on a disk (measured)
            read_dictionary=[name for name in text_columns if name in leaves],
        )
        schema = parquet.schema_arrow
        footer = FileFooter(
            row_count=metadata.num_rows,
            row_group_count=metadata.num_row_groups,
            footer_digest=digest,
            columns=tuple(schema.names),
        )
    if footer.row_count < 0:
        raise FooterUnreadable("the footer has a negative row count", path=relative_path)
    return parquet, footer


def read_footer(source: pa.NativeFile, relative_path: str) -> FileFooter:
    """The footer's facts alone. Raises like ``open_parquet``."""
    return open_parquet(source, relative_path)[1]


def footer_digest(source: pa.NativeFile, relative_path: str) -> str:
    """blake2b-128 of the footer bytes, hex. Raises FooterUnreadable when there is none."""
    return blake2b(footer_bytes(source, relative_path), digest_size=16).hexdigest()


def footer_bytes(source: pa.NativeFile, relative_path: str) -> bytes:
    """The Thrift footer as it stands in the file. Raises FooterUnreadable when there is none."""
    size = source.size()
    if size < TAIL_BYTES + len(MAGIC):
        raise FooterUnreadable(f"{size} bytes are too few for Parquet", path=relative_path)
    guess = min(size, FOOTER_GUESS_BYTES)
    end = source.read_at(guess, size - guess)
    if end[-4:] == ENCRYPTED_MAGIC:
        raise FooterUnreadable("the footer is encrypted", path=relative_path)
    if end[-4:] != MAGIC:
        raise FooterUnreadable("it does not end in PAR1", path=relative_path)
    length = int.from_bytes(end[-8:-4], "little")
    if not 0 < length <= min(size - TAIL_BYTES - len(MAGIC), FOOTER_BYTES_MAX):
        raise FooterUnreadable(f"the footer claims {length} bytes", path=relative_path)
    if length > guess - TAIL_BYTES:
        end = source.read_at(length + TAIL_BYTES, size - TAIL_BYTES - length)
    return bytes(end[-TAIL_BYTES - length : -TAIL_BYTES])
