"""Every connection is bounded and asks nobody for an extension, and there is no other way to one."""

import ast
import os
import sqlite3
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from indexer.system import duckdb_connection
from indexer.system.duckdb_connection import connect, refuse_other_files

pytestmark = pytest.mark.duckdb

PROJECT = Path(__file__).parents[2]
LARGE = "SELECT range AS i, uuid()::VARCHAR AS text FROM range(1000000) ORDER BY text"
"""More than the smallest memory limit of these tests holds."""


def setting(connection, name):
    return connection.execute(
        "SELECT value FROM duckdb_settings() WHERE name = $name", {"name": name}
    ).fetchall()[0][0]


@pytest.fixture(params=["memory", "file", "read-only"])
def opened(request, tmp_path):
    path = None if request.param == "memory" else tmp_path / "a.duckdb"
    if request.param == "read-only":
        connect(path).close()
    connection = connect(
        path,
        read_only=request.param == "read-only",
        memory_limit="64MiB",
        threads=2,
        spill_folder=tmp_path / "spilled",
    )
    yield connection
    connection.close()


def test_no_extension_is_looked_for(opened):
    for name in (
        "autoload_known_extensions",
        "autoinstall_known_extensions",
        "allow_community_extensions",
    ):
        assert setting(opened, name) == "false"


def test_no_table_is_a_variable_of_python(opened):
    """Rows that are meant for SQL are registered; what is not is none of its business."""
    rows = pa.table({"a": [1]})
    for connection in (opened, opened.cursor()):
        with pytest.raises(duckdb.CatalogException, match="rows does not exist"):
            connection.execute("SELECT * FROM rows")
        connection.register("named", rows)
        assert connection.execute("SELECT a FROM named").fetchall() == [(1,)]


def test_memory_and_threads_are_what_was_asked_for(opened):
    assert setting(opened, "memory_limit") == "64.0 MiB"
    assert setting(opened, "threads") == "2"
    assert setting(opened.cursor(), "memory_limit") == "64.0 MiB"


def test_what_is_spilled_lies_in_the_folder_and_goes_with_the_connection(opened, tmp_path):
    """And never in the working folder."""
    (tmp_path / "spilled").mkdir()
    reading = opened.execute(LARGE)
    assert reading.fetchone() is not None
    assert [path.name for path in (tmp_path / "spilled").iterdir()] == [
        Path(setting(opened.cursor(), "temp_directory")).name
    ]
    opened.close()
    assert list((tmp_path / "spilled").iterdir()) == []


def test_two_connections_never_spill_into_one_folder(tmp_path):
    """DuckDB 1.5 gives what it spills the same names in each process."""
    with connect() as one, connect() as other, connect(tmp_path / "a") as third:
        folders = {setting(each, "temp_directory") for each in (one, other, third)}
    assert len(folders) == 3
    assert all(str(os.getpid()) in folder for folder in folders)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, as far as this test is concerned."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def test_the_folder_of_the_user_is_private_and_used_again(temporary):
    for _ in range(2):
        with connect() as connection:
            folder = Path(setting(connection, "temp_directory")).parent
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["open", "link", "file", "somebody else's"])
def test_a_folder_that_others_may_have_made_is_not_used(temporary, monkeypatch, kind):
    """Its name is known to all."""
    path = temporary / f"span-index-{os.geteuid()}"
    if kind == "link":
        (temporary / "elsewhere").mkdir(0o700)
        path.symlink_to(temporary / "elsewhere")
    elif kind == "file":
        path.write_text("mine")
    else:
        path.mkdir(0o700)
        path.chmod(0o755 if kind == "open" else 0o700)
    if kind == "somebody else's":
        name, status = path.name, path.stat()
        monkeypatch.setattr(os, "geteuid", lambda: status.st_uid + 1)
        path.rename(temporary / name.replace(str(status.st_uid), str(status.st_uid + 1)))
    with connect() as connection:
        assert setting(connection, "temp_directory") in ("", None)


def test_without_a_folder_what_outgrows_memory_fails_and_says_so(monkeypatch):
    monkeypatch.setattr(duckdb_connection, "user_folder", lambda: None)
    with connect(memory_limit="16MiB") as connection, pytest.raises(duckdb.OutOfMemoryException):
        connection.execute(LARGE).fetchall()


@pytest.mark.parametrize("extension", ["sqlite", "parquet"])
def test_the_first_bytes_of_a_file_choose_no_extension(tmp_path, extension):
    """By itself DuckDB downloads the one for SQLite, or loads it from the home folder."""
    path = tmp_path / "a.duckdb"
    if extension == "sqlite":
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE a (b)")
        database.close()
    else:
        path.write_bytes(b"PAR1" + bytes(10_000) + b"PAR1")
    before = path.read_bytes()
    with pytest.raises(duckdb.IOException, match="not a valid DuckDB database file"):
        connect(path)
    assert path.read_bytes() == before


def test_no_sql_reaches_a_host_or_another_file_once_that_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n")
    with connect(tmp_path / "a.duckdb") as connection:
        refuse_other_files(connection)
        for sql in (
            f"FROM read_csv('{tmp_path / 'a.csv'}')",
            f"ATTACH '{tmp_path / 'b.duckdb'}'",
            f"COPY (SELECT 1) TO '{tmp_path / 'b.csv'}'",
            "INSTALL sqlite",
        ):
            with pytest.raises(duckdb.PermissionException):
                connection.execute(sql)
        connection.execute("CREATE TABLE a AS SELECT 1 AS one")
        connection.execute("CHECKPOINT")


def test_there_is_no_other_way_to_a_connection():
    found = [
        str(path.relative_to(PROJECT))
        for folder in ("indexer", "docs")
        for path in (PROJECT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in {"connect", "default_connection", "sql", "query"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "duckdb"
    ]
    assert found == ["indexer/system/duckdb_connection.py"]
