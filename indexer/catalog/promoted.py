"""Promoted attributes in the catalog: the keys it has, and what each file has given of them.

A file's values go in as one step of one transaction: rows of ``indexed_attributes``, a row of
``file_attributes`` for each key, and the flags of ``trace_files``. A file without those rows has
not given its attributes yet; a key that is added later is missing from every file.
"""

from collections.abc import Sequence

import duckdb

from indexer.catalog.database import Catalog
from indexer.catalog.insert import insert_table
from indexer.catalog.limits import KEYS_MAX
from indexer.spans.attribute_rows import flag_rows, state_rows, value_rows
from indexer.spans.attributes import LLM_FLAG, PromotedFile, tells_llm_calls
from indexer.system.duckdb_rows import arrow_table
from indexer.system.duckdb_statements import update_from_rows

_MISSING = """
SELECT file_id, key_id FROM parquet_files CROSS JOIN promoted_attributes
ANTI JOIN file_attributes USING (file_id, key_id)
"""

_FLAG = """
UPDATE trace_files SET attribute_flags = attribute_flags | staged_flags.flags
FROM {rows} AS staged_flags
WHERE trace_files.file_id = staged_flags.file_id
  AND trace_files.trace_id = staged_flags.trace_id
  AND trace_files.file_id BETWEEN $1 AND $2
"""


def take_keys(catalog: Catalog, keys: Sequence[str] | None) -> dict[str, int]:
    """Make the catalog's keys these, or leave them where None; number of each key.

    A key that goes takes its values along. When it could tell LLM calls, ``LLM_FLAG`` is found
    out anew from those that still can: their values are read again. Raises CatalogWriteFailed.
    """
    numbers = dict(
        catalog.connection.execute("SELECT key, key_id FROM promoted_attributes").fetchall()
    )
    if keys is None or numbers.keys() == set(keys):
        return numbers
    gone = numbers.keys() - set(keys)
    with catalog.transaction() as connection:
        if any(tells_llm_calls(key) for key in gone):
            gone |= {key for key in numbers if tells_llm_calls(key)}
            _clear_flag(connection, LLM_FLAG)
        for key in gone:
            _forget_key(connection, numbers.pop(key))
        for key in keys:
            if key not in numbers:
                free = next(n for n in range(KEYS_MAX) if n not in numbers.values())
                connection.execute("INSERT INTO promoted_attributes VALUES (?, ?)", [free, key])
                numbers[key] = free
    return numbers


def missing_keys(connection: duckdb.DuckDBPyConnection) -> dict[int, frozenset[int]]:
    """The key numbers that registered files have not given yet, by file_id."""
    rows = arrow_table(connection, _MISSING)
    missing: dict[int, set[int]] = {}
    for file_id, key_id in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        missing.setdefault(file_id, set()).add(key_id)
    return {file_id: frozenset(key_ids) for file_id, key_ids in missing.items()}


def unreadable_files(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """Files that cannot give some attribute, by file_id."""
    rows = connection.execute(
        "SELECT DISTINCT file_id FROM file_attributes WHERE error_type IS NOT NULL"
    ).fetchall()
    return {file_id for (file_id,) in rows}


def insert_promoted(connection: duckdb.DuckDBPyConnection, files: Sequence[PromotedFile]) -> None:
    """Insert what registered files have given. Part of the caller's transaction."""
    insert_table(connection, "file_attributes", state_rows(files))
    values = value_rows(files)
    if not values.num_rows:
        return
    insert_table(connection, "indexed_attributes", values)
    staged = flag_rows(files)
    ids = staged["file_id"].to_numpy()
    update_from_rows(connection, _FLAG, staged, int(ids.min()), int(ids.max()))


def _forget_key(connection: duckdb.DuckDBPyConnection, key_id: int) -> None:
    for table in ("indexed_attributes", "file_attributes", "promoted_attributes"):
        connection.execute(f"DELETE FROM {table} WHERE key_id = ?", [key_id])
    _clear_flag(connection, 1 << key_id)


def _clear_flag(connection: duckdb.DuckDBPyConnection, bit: int) -> None:
    connection.execute(
        "UPDATE trace_files SET attribute_flags = attribute_flags - $bit "
        "WHERE attribute_flags & $bit <> 0",
        {"bit": bit},
    )
