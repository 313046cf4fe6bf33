"""A catalog opens as what it is, or is refused by name; nothing is half written."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from indexer.catalog.database import Catalog
from indexer.catalog.generations import Generations
from indexer.contracts import migrations, schema_version
from indexer.errors import (
    CatalogBusy,
    CatalogTooNew,
    CatalogUnreadable,
    CatalogWriteFailed,
    QueryRefused,
)
from indexer.system import retry

pytestmark = pytest.mark.duckdb


def test_a_new_catalog_has_every_table_and_its_version(tmp_path: Path) -> None:
    """The migrations are applied once, in order."""
    for _ in range(2):
        catalog = Catalog.open(tmp_path / "c.duckdb")
        rows = catalog.connection.execute("SELECT version FROM schema_migrations").fetchall()
        catalog.close()
    assert rows == [(number,) for number, _, _ in migrations()]


def test_the_oldest_supported_duckdb_can_open_it(tmp_path: Path) -> None:
    """The file format is pinned, not the newest of whoever created it."""
    Catalog.open(tmp_path / "c.duckdb").close()
    with duckdb.connect(str(tmp_path / "c.duckdb"), read_only=True) as reader:
        tags = reader.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchall()
    assert "v1.5.0" in str(tags)


def test_a_database_that_duckdb_has_given_up_is_a_failed_write(tmp_path: Path) -> None:
    """So that it is opened again even when there is nothing to write."""
    catalog = Catalog.open(tmp_path / "c.duckdb")
    catalog.check()
    catalog.close()
    with pytest.raises(CatalogWriteFailed, match="closed"):
        catalog.check()


def test_a_checkpoint_that_has_to_wait_is_no_failed_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is as good as it was; it is folded in once nobody is in the way."""
    monkeypatch.setattr(retry, "CHECKPOINT", retry.AT_ONCE)
    catalog = Catalog.open(tmp_path / "c.duckdb")
    with catalog.transaction() as connection:
        connection.execute("INSERT INTO catalog_facts VALUES ('a', 'b')")
    other = catalog.cursor()
    other.execute("BEGIN TRANSACTION")
    other.execute("CREATE TABLE another (a INTEGER)")
    with pytest.raises(CatalogBusy, match="other transactions"):
        catalog.checkpoint()
    other.execute("ROLLBACK")
    assert catalog.wal_bytes() > 0
    catalog.checkpoint()
    assert catalog.wal_bytes() == 0
    catalog.close()


def test_a_catalog_of_a_newer_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    """An old program does not write into a schema that it does not know."""
    catalog = Catalog.open(tmp_path / "c.duckdb")
    catalog.connection.execute("INSERT INTO schema_migrations VALUES (999, 'future', now())")
    catalog.close()
    with pytest.raises(CatalogTooNew, match=f"999.*supports {schema_version()}"):
        Catalog.open(tmp_path / "c.duckdb")


def test_a_catalog_of_an_older_version_is_brought_up_by_its_writer_alone(tmp_path: Path) -> None:
    """A reader says who can do it; the writer applies what is missing and keeps the rows."""
    path = tmp_path / "c.duckdb"
    number, name, text = migrations()[0]
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, "
            "applied_at TIMESTAMPTZ NOT NULL)"
        )
        connection.execute(text)
        connection.execute("INSERT INTO schema_migrations VALUES (?, ?, now())", [number, name])
        connection.execute("INSERT INTO trace_files VALUES ('t', 1, 1, 1, 0, 0, 0, NULL, NULL)")
    with pytest.raises(
        CatalogUnreadable, match=f"version 1, this program needs {schema_version()}"
    ):
        Catalog.open(path, read_only=True)
    catalog = Catalog.open(path)
    rows = catalog.connection.execute("SELECT trace_id, attribute_flags FROM trace_files")
    assert rows.fetchall() == [("t", 0)]
    catalog.close()


@pytest.mark.parametrize("content", [b"", b"not a database", b"x" * 100_000])
def test_a_damaged_catalog_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    """It is named, the hint says how to rebuild, and it is never deleted unasked."""
    path = tmp_path / "c.duckdb"
    path.write_bytes(content)
    with pytest.raises(CatalogUnreadable) as refusal:
        Catalog.open(path)
    assert "--reindex" in refusal.value.advice
    assert path.read_bytes() == content


def test_a_sqlite_database_is_refused_without_an_extension(tmp_path: Path) -> None:
    """DuckDB by itself would look for one on its maker's host."""
    path = tmp_path / "c.duckdb"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE mine (a INTEGER)")
    for read_only in (False, True):
        with pytest.raises(CatalogUnreadable, match="not a valid DuckDB database") as refusal:
            Catalog.open(path, read_only=read_only)
        assert "xtension" not in refusal.value.message


def test_a_writer_is_bounded_and_reaches_no_other_file(tmp_path: Path) -> None:
    """Memory, threads and the place to spill are set, and no SQL leaves the database."""
    catalog = Catalog.open(tmp_path / "c.duckdb", memory_limit="100MiB", threads=1)
    names = ("autoload_known_extensions", "enable_external_access", "memory_limit", "threads")
    found = catalog.cursor().execute(
        "SELECT value FROM duckdb_settings() WHERE name IN $names ORDER BY name", {"names": names}
    )
    assert found.fetchall() == [("false",), ("false",), ("100.0 MiB",), ("1",)]
    (spill,) = catalog.cursor().execute("SELECT current_setting('temp_directory')").fetchall()
    assert Path(spill[0]).parent == tmp_path
    catalog.close()


MAKES = """
import os, sys
from pathlib import Path
import asyncio
from indexer.index.snapshot import SnapshotCopy
from indexer.catalog.database import Catalog
from indexer.catalog.generations import Generations
from indexer.catalog.generations import Generations
from indexer.catalog.owner_lock import CatalogLock
os.umask(int(sys.argv[2], 8))
pointer = Path(sys.argv[1], "db", "index.duckdb")
lock = CatalogLock.acquire(pointer, purpose="a test")
generations = Generations(pointer)
path = generations.next()
catalog = Catalog.open(path)
generations.publish(path)
copy = SnapshotCopy(catalog, 1)
asyncio.run(copy.run())
copy.end()
for key in "ab":
    with catalog.transaction() as connection:
        connection.execute("INSERT INTO catalog_facts VALUES (?, 'b')", [key])
    assert catalog.wal_bytes() > 0
    for one in sorted(Path(sys.argv[1]).rglob("*")):
        print(f"{one.stat().st_mode & 0o777:04o} {one.relative_to(sys.argv[1])}")
    catalog.checkpoint()
catalog.close()
"""
MODES = """
0750 db
0600 db/index.duckdb
0700 db/index.duckdb.d
0600 db/index.duckdb.d/000001.duckdb
0600 db/index.duckdb.d/000001.duckdb.wal
0600 db/index.duckdb.lock
0750 db/index.duckdb.snapshots
0640 db/index.duckdb.snapshots/000001.duckdb.snapshot-1
""".lstrip()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_the_catalog_is_private_and_its_snapshots_are_shared(tmp_path: Path, umask: int) -> None:
    """Whatever the umask, and also the write-ahead log that DuckDB makes anew."""
    done = subprocess.run(
        [sys.executable, "-c", MAKES, tmp_path, f"{umask:o}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == MODES * 2


def test_a_catalog_that_others_could_read_is_restricted(tmp_path: Path) -> None:
    """An older version made it with the umask."""
    generations = Generations(tmp_path / "index.duckdb")
    path = generations.next()
    Catalog.open(path).close()
    generations.publish(path)
    path.chmod(0o644)
    path.parent.chmod(0o755)
    generations.remove_others()
    Catalog.open(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Its tables stay as they are."""
    with duckdb.connect(str(tmp_path / "c.duckdb")) as other:
        other.execute("CREATE TABLE mine (a INTEGER)")
    with pytest.raises(CatalogUnreadable, match="not a catalog"):
        Catalog.open(tmp_path / "c.duckdb")


def test_a_failed_statement_rolls_the_transaction_back(tmp_path: Path) -> None:
    """All of it or none of it, and the next transaction works."""
    catalog = Catalog.open(tmp_path / "c.duckdb")
    with pytest.raises(CatalogWriteFailed):
        _insert_and_then(catalog, lambda: catalog.connection.execute("FROM nowhere"))
    with catalog.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM catalog_facts").fetchone() == (0,)
    catalog.close()


def test_a_refusal_inside_a_transaction_rolls_it_back(tmp_path: Path) -> None:
    """Our own errors leave no half of a change either."""
    catalog = Catalog.open(tmp_path / "c.duckdb")
    with pytest.raises(QueryRefused):
        _insert_and_then(catalog, _refuse)
    assert catalog.fact("a") is None
    catalog.close()


def test_reading_needs_no_write(tmp_path: Path) -> None:
    """A read-only catalog does not migrate, and does not exist by being asked for."""
    with pytest.raises(CatalogUnreadable):
        Catalog.open(tmp_path / "none.duckdb", read_only=True)
    assert not (tmp_path / "none.duckdb").exists()


def _insert_and_then(catalog: Catalog, fail: Callable[[], object]) -> None:
    with catalog.transaction() as connection:
        connection.execute("INSERT INTO catalog_facts VALUES ('a', 'b')")
        fail()


def _refuse() -> None:
    raise QueryRefused("no")
