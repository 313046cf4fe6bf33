"""A live schema in DuckDB: an attached database in memory with a view for each table.

DuckDB's lists of tables and views are shadowed by temporary macros of the same name, in the
connection that attached: live tables are in ``duckdb_tables()`` and not in ``duckdb_views()``. In
other cursors they are listed as the views that they are.
"""

from typing import NamedTuple

import duckdb

from indexer.live.functions import (
    BEGIN,
    RECEIVER,
    STATS,
    ValueFunction,
    create_functions,
    create_value_functions,
)
from indexer.live.leases import Leases
from indexer.live.schema import LiveSchema
from indexer.system.duckdb_rows import quoted_name, text_literal

LEASES_VIEW = "live_leases"
TABLE_COMMENT = "live table: the newest rows, in memory"

_VIEW = """
CREATE VIEW {target} AS
SELECT {columns} FROM (
    SELECT {values} FROM (
        SELECT *, unnest(range(1, live_end - live_first + 1)) AS live_place
        FROM (
            SELECT live_lease, live_first, live_end{ranges}
            FROM (
                SELECT live_lease, live_first,
                    least(live_first + {range_rows}, live_rows) AS live_end
                FROM (
                    SELECT live_lease, live_rows,
                        unnest(range(0, live_rows, {range_rows})) AS live_first
                    FROM (
                        SELECT live_lease, {begin}(
                            live_lease,
                            CAST(current_connection_id() AS UBIGINT),
                            CAST(current_query_id() AS UBIGINT),
                            {table}
                        ) AS live_rows
                        FROM (SELECT lease AS live_lease FROM {database}.main.{leases} LIMIT 1)
                    )
                )
            )
        )
    )
)
"""
_STATE_VIEW = """
CREATE VIEW {database}.main.{name} AS
SELECT unnest({function}(lease), max_depth := 2)
FROM (SELECT lease FROM {database}.main.{leases} LIMIT 1)
"""
_LISTS = (
    f"""
CREATE OR REPLACE TEMP MACRO duckdb_tables() AS TABLE
SELECT * FROM system.main.duckdb_tables()
UNION ALL BY NAME
SELECT database_name, database_oid, schema_name, schema_oid, view_name AS table_name,
    view_oid AS table_oid, comment, tags, internal, temporary, column_count, sql,
    false AS has_primary_key, 0 AS index_count, 0 AS check_constraint_count
FROM system.main.duckdb_views() WHERE comment = {text_literal(TABLE_COMMENT)}
""",
    f"""
CREATE OR REPLACE TEMP MACRO duckdb_views() AS TABLE
SELECT * FROM system.main.duckdb_views()
WHERE comment IS DISTINCT FROM {text_literal(TABLE_COMMENT)}
    AND NOT (database_name IN (SELECT database_name FROM system.main.duckdb_views()
        WHERE comment = {text_literal(TABLE_COMMENT)}) AND view_name = {text_literal(LEASES_VIEW)})
""",
)


def create_database(
    connection: duckdb.DuckDBPyConnection, database: str, leases: Leases, number: int
) -> None:
    """Attach a database in memory that has nothing but the leases; its comment is the number.

    Raises duckdb.Error where the name is taken.
    """
    create_functions(connection)
    name = quoted_name(database)
    connection.execute(f"ATTACH ':memory:' AS {name}")
    reader = leases.reader
    default = reader.execute("SELECT current_database(), current_schema()").fetchall()[0]
    reader.execute(f"USE {name}")
    reader.from_arrow(leases).create_view(LEASES_VIEW)
    reader.execute(f"USE {'.'.join(map(quoted_name, default))}")  # or it could not be detached
    connection.execute(f"COMMENT ON VIEW {name}.main.{LEASES_VIEW} IS {text_literal(str(number))}")


def create_view(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    schema: LiveSchema,
    table: str,
    *,
    into: str | None = None,
) -> None:
    """A view of a table, in its database or in the main schema of another one.

    Raises duckdb.Error.
    """
    found = schema.tables[table]
    functions = create_value_functions(connection, found.reader)
    target = f"{quoted_name(into or database)}.main.{quoted_name(table)}"
    calls = [
        _Call(column, functions[column], schema.place(table, column)) for column in found.columns
    ]
    connection.execute(
        _VIEW.format(
            target=target,
            database=quoted_name(database),
            columns=", ".join(call.column_sql for call in calls),
            # A value by itself, so that what a query makes of it is no part of the same expression.
            values=", ".join(call.value_sql for call in calls),
            ranges="".join(f", {call.ranges_sql}" for call in calls if call.function.is_of_ranges),
            table=text_literal(table),
            begin=BEGIN,
            leases=LEASES_VIEW,
            range_rows=schema.range_rows(table),
        )
    )
    _comment(connection, target)


class _Call(NamedTuple):
    """How a view makes one column."""

    column: str
    function: ValueFunction
    place: int

    @property
    def ranges_sql(self) -> str:
        """A list of values for each range of rows."""
        return (
            f"{self.function.name}(live_lease, {self.place}, live_first, live_end) "
            f"AS live_column_{self.place}"
        )

    @property
    def value_sql(self) -> str:
        """The value of a row."""
        call = f"{self.function.name}(live_lease, {self.place}, live_first + live_place - 1)"
        value = f"live_column_{self.place}[live_place]" if self.function.is_of_ranges else call
        return f"{value} AS {quoted_name(self.column)}"

    @property
    def column_sql(self) -> str:
        """The value as the view has it."""
        name = quoted_name(self.column)
        return f"{name}{self.function.field} AS {name}"


def create_state_views(
    connection: duckdb.DuckDBPyConnection, database: str, *, receives: bool
) -> None:
    """The view ``stats``, a row for each ring, and ``receiver``, a row for each port."""
    views = {"stats": STATS, **({"receiver": RECEIVER} if receives else {})}
    for name, function in views.items():
        connection.execute(
            _STATE_VIEW.format(
                database=quoted_name(database), name=name, function=function, leases=LEASES_VIEW
            )
        )
        _comment(connection, f"{quoted_name(database)}.main.{name}")


def shadow_lists(connection: duckdb.DuckDBPyConnection) -> None:
    """Have DuckDB's lists show live tables as tables, in this connection."""
    for macro in _LISTS:
        connection.execute(macro)


def number_of(connection: duckdb.DuckDBPyConnection, database: str) -> int | None:
    """The number that ``create_database`` was given; None for any other database, or none."""
    row = connection.execute(
        "SELECT comment FROM system.main.duckdb_views() "
        "WHERE lower(database_name) = lower(?) AND view_name = ?",
        [database, LEASES_VIEW],
    ).fetchone()
    return int(row[0]) if row and row[0] and str(row[0]).isdecimal() else None


def _comment(connection: duckdb.DuckDBPyConnection, view: str) -> None:
    connection.execute(f"COMMENT ON VIEW {view} IS {text_literal(TABLE_COMMENT)}")
