"""DuckDB's checkpoint, which waits for other transactions, and does not fail because of them."""

from collections.abc import Callable

import duckdb

from indexer.errors import CatalogBusy
from indexer.system import retry

_REFUSED = "Cannot CHECKPOINT"
"""What DuckDB says of one that may be tried again: nothing has failed."""


def checkpoint(connection: Callable[[], duckdb.DuckDBPyConnection]) -> None:
    """Fold the write-ahead log of the connection's database into its file.

    DuckDB refuses it at some moments in the life of other transactions, those of readers as well
    (measured on 1.5.5: 3 in 1,000 beside two readers), so it is tried for a while. Raises
    CatalogBusy when they are in the way all the time, and duckdb.Error.
    """
    try:
        retry.call(
            lambda: connection().execute("CHECKPOINT"),
            on=duckdb.TransactionException,
            backoff=retry.CHECKPOINT,
            tries=retry.CHECKPOINT_TRIES,
        )
    except duckdb.TransactionException as error:
        if _REFUSED not in str(error):
            raise
        raise CatalogBusy(
            "other transactions are in the way of a checkpoint", hint="Ask again in a moment."
        ) from error
