"""Functions of Python in SQL that take and give whole columns of Arrow."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import duckdb


def create_arrow_function(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., Any],
    parameters: Sequence[str],
    result: str,
    *,
    side_effects: bool = True,
) -> None:
    """Make a function of the database. It is given NULL as any other value.

    Without ``side_effects`` DuckDB may call it once for equal arguments. Raises duckdb.Error, also
    where the database has one of that name: CatalogException or NotImplementedException.
    """
    connection.create_function(
        name,
        function,
        cast("Any", list(parameters)),
        cast("Any", result),
        type=cast("Any", "arrow"),
        null_handling=cast("Any", "special"),
        side_effects=side_effects,
    )


def ensure_arrow_function(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., Any],
    parameters: Sequence[str],
    result: str,
) -> None:
    """The same, unless the database has one of that name, which its cursors share."""
    with suppress(duckdb.CatalogException, duckdb.NotImplementedException):
        create_arrow_function(connection, name, function, parameters, result)
