"""A connection to DuckDB for an answer that must not wait: it takes no statement."""

from typing import Any, Never, cast

import duckdb

from indexer.system.cached_storage import MustWait


class _NoStatements:
    """Whatever is asked of it has to be asked by somebody who may wait. Raises MustWait."""

    def close(self) -> None:
        """Nothing is open."""

    def interrupt(self) -> None:
        """Nothing runs."""

    def __getattr__(self, _: str) -> Never:
        raise MustWait


def no_statements() -> duckdb.DuckDBPyConnection:
    """The connection."""
    return cast("duckdb.DuckDBPyConnection", cast("Any", _NoStatements()))
