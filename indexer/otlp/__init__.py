"""OTLP: bytes in, messages and rows out. It knows no index.

The modules here decode and do no input or output: what may be sent is ``requests``, what is kept of
it is ``spans``, what tables it can be read as is ``rows``. ``files`` reads files of it, and ``sql``
gives them to DuckDB.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


def install(connection: "duckdb.DuckDBPyConnection", *, folder: "Path | None" = None) -> None:
    """Give a DuckDB connection ``read_otlp`` and its typed kin; see ``sql.functions.install``."""
    from indexer.otlp.sql import functions  # noqa: PLC0415 - decoders are used without DuckDB

    functions.install(connection, folder=folder)
