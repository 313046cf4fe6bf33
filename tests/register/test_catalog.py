"""A catalog opens as what it is, or is refused by name; nothing is half written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from indexer.contracts import migrations, schema_version
from indexer.errors import CatalogTooNew, CatalogUnreadable, CatalogWriteFailed, QueryRefused
from indexer.register.catalog import Catalog

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


def test_a_catalog_of_a_newer_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    """An old program does not write into a schema that it does not know."""
    catalog = Catalog.open(tmp_path / "c.duckdb")
    catalog.connection.execute("INSERT INTO schema_migrations VALUES (999, 'future', now())")
    catalog.close()
    with pytest.raises(CatalogTooNew, match=f"999.*knows {schema_version()}"):
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
        CatalogUnreadable, match=f"version 1, this program reads {schema_version()}"
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
