"""Parquet files with encrypted columns, as pyarrow writes them, with keys that nobody keeps."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from tests.support.span_files import Span, table


class _Kms(pe.KmsClient):
    """Wraps a key by writing it down: the files are secret from the reader alone."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


def encrypted_bytes(
    rows: Iterable[Span] | pa.Table,
    columns: Sequence[str] | None = None,
    *,
    plain_footer: bool = True,
) -> bytes:
    """A file of which these columns are encrypted, or all of them."""
    content = rows if isinstance(rows, pa.Table) else table(rows)
    config = pe.EncryptionConfiguration(
        footer_key="footer",
        column_keys={"columns": list(columns or content.column_names)},
        plaintext_footer=plain_footer,
        double_wrapping=False,
    )
    factory = pe.CryptoFactory(lambda _: _Kms())
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, content.schema, encryption_properties=properties) as writer:
        writer.write_table(content)
    written: bytes = sink.getvalue().to_pybytes()
    return written
