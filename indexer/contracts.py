"""The contents of ``schemas/``: migrations, audit queries and Parquet dialects, as data."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any


def _root() -> Traversable:
    """Inside of the package in a wheel, beside it in a checkout and in the image."""
    inside = files("indexer") / "schemas"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "schemas"


_ROOT = _root()


@cache
def migrations() -> tuple[tuple[int, str, str], ...]:
    """(version, name, SQL) of every catalog migration, in order. Forward only."""
    return _migrations("catalog")


@cache
def mastra_migrations() -> tuple[tuple[int, str, str], ...]:
    """The same of the Mastra store."""
    return _migrations("mastra")


def _migrations(folder: str) -> tuple[tuple[int, str, str], ...]:
    found = []
    for entry in (_ROOT / "sql" / folder).iterdir():
        if entry.name.endswith(".sql"):
            number, _, name = entry.name.removesuffix(".sql").partition("_")
            found.append((int(number), name, entry.read_text()))
    return tuple(sorted(found))


def schema_version() -> int:
    """The catalog version that this program writes."""
    return migrations()[-1][0]


@cache
def audit_queries() -> tuple[tuple[str, str], ...]:
    """(invariant, query for what breaks it) of every ``schemas/sql/audit/*.sql``."""
    entries = {entry.name: entry for entry in (_ROOT / "sql" / "audit").iterdir()}
    return tuple(
        (name.partition("_")[0].upper(), entries[name].read_text())
        for name in sorted(entries)
        if name.endswith(".sql")
    )


@cache
def dialect_documents() -> tuple[dict[str, Any], ...]:
    """Every ``schemas/parquet/*.toml``, in order of name."""
    return _documents(_ROOT / "parquet")


@cache
def dialect_document(name: str) -> dict[str, Any]:
    """One of them alone; its file has its name."""
    return _document(_ROOT / "parquet" / f"{name}.toml")


@cache
def documents_not_read() -> tuple[dict[str, Any], ...]:
    """Every ``schemas/parquet/not_read/*.toml``, in order of name."""
    return _documents(_ROOT / "parquet" / "not_read")


def _documents(folder: Traversable) -> tuple[dict[str, Any], ...]:
    named = {entry.name: entry for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return tuple(_document(named[name]) for name in sorted(named))


def _document(file: Traversable) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - the catalog's version is asked for more often

    return tomllib.loads(file.read_text())
