"""Which rows may have a number that a condition takes, by DuckDB's reading of their JSON.

A key that every row has leaves the letters nothing to leave out, and to make canonical values of
all rows takes ten times as long. A row is left out only where DuckDB cannot read otherwise than
``payload_truth`` does; what is not plain stays.
"""

import math
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from indexer.query.find.letters import may_have, may_have_twice
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.payload_letters import ESCAPED, plain_part
from indexer.spans.identifiers import BoolArray
from indexer.system.duckdb_connection import connect, refuse_other_files
from indexer.system.duckdb_rows import arrow_table, text_literal

ROWS_MIN = 512
"""Fewer are decided in Python in the time of one question."""
THREADS = 2
"""Of one question; as many as the smallest machine has that this runs on."""
_OPERATORS = {"=": "=", "<": "<=", "<=": "<=", ">": ">=", ">=": ">="}
"""Of doubles: two numbers that are not equal may be one double."""

_NUMBERS = """
SELECT coalesce(found IS NULL OR left(found[1]::VARCHAR, 1) IN ('[', '{{')
    OR TRY_CAST(found[1]::VARCHAR AS DOUBLE) {operator} {value}::DOUBLE, false) AS may
FROM (SELECT TRY(json_extract(stored, [{path}])) AS found FROM texts)
"""


def is_of_numbers(leaf: AttributeCondition) -> bool:
    """Whether the condition is one that is looked at here."""
    is_number = isinstance(leaf.value, int | float) and not isinstance(leaf.value, bool)
    return is_number and leaf.operator in _OPERATORS and leaf.owner != "event"


def may_have_number(leaf: AttributeCondition, texts: pa.ChunkedArray) -> BoolArray:
    """Of which of the stored texts the condition may hold; of all where that cannot be told."""
    everything: BoolArray = np.ones(len(texts), np.bool_)
    value = _double(leaf)
    if value is None or plain_part(leaf.key) != leaf.key:
        return everything
    is_object = np.asarray(pc.fill_null(pc.starts_with(texts, "{"), fill_value=False))
    is_odd = may_have_twice(texts, f'"{leaf.key}"') | may_have(texts, ESCAPED) | ~is_object
    pointer = "/" + leaf.key.replace("~", "~0").replace("/", "~1")
    sql = _NUMBERS.format(
        operator=_OPERATORS[leaf.operator], value=repr(value), path=text_literal(pointer)
    )
    try:
        with _connection().cursor() as cursor:
            cursor.register("texts", pa.table({"stored": texts}))
            found = arrow_table(cursor, sql)["may"]
    except duckdb.Error:
        return everything
    may: BoolArray = is_odd | np.asarray(found)
    return may


def _double(leaf: AttributeCondition) -> float | None:
    try:
        value = float(leaf.value or 0)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """One for the process, opened by the first such search."""
    connection = connect(threads=THREADS)
    refuse_other_files(connection)
    return connection
