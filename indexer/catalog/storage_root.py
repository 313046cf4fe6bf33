"""Which storage a catalog is of: the path that ``file_path`` is made with, and the folder itself.

The path may change with a mount; the folder, by its device and inode, tells another storage that
has come to stand at the same path.
"""

import os

import duckdb

from indexer.catalog.database import Catalog
from indexer.model import RootIdentity

_PATH, _IDENTITY = "storage_root", "storage_root_identity"

_RECORD = """
INSERT INTO catalog_facts VALUES ($key, $value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""


def take_path(catalog: Catalog, root: str) -> None:
    """Make ``file_path`` follow the storage root when it is mounted elsewhere."""
    if catalog.fact(_PATH) == root:
        return
    prefix = os.path.join(root, "")
    with catalog.transaction() as connection:
        for table in ("parquet_files", "quarantined_files"):
            connection.execute(
                f"UPDATE {table} SET file_path = $prefix || relative_path", {"prefix": prefix}
            )
        connection.execute(_RECORD, {"key": _PATH, "value": root})


def indexed_path(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The path of the root that ``file_path`` is made with."""
    return _fact(connection, _PATH)


def record_identity(catalog: Catalog, root: RootIdentity) -> None:
    """Remember the folder. Raises CatalogWriteFailed."""
    with catalog.transaction() as connection:
        connection.execute(_RECORD, {"key": _IDENTITY, "value": f"{root.device}:{root.inode}"})


def recorded_identity(connection: duckdb.DuckDBPyConnection) -> RootIdentity | None:
    """The folder that was indexed last; None where the catalog does not say."""
    found = _fact(connection, _IDENTITY)
    if found is None:
        return None
    device, _, inode = found.partition(":")
    return RootIdentity(device=int(device), inode=int(inode))


def _fact(connection: duckdb.DuckDBPyConnection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM catalog_facts WHERE key = ?", [key]).fetchall()
    return str(found[0][0]) if found else None
