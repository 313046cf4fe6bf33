"""The statements of ``statements``, run on a connection.

ATTACH 'otlp://localhost:4317' AS live (TYPE otlp, max_rows 100000)
DETACH live
CREATE RING TABLE recent (id BIGINT, said VARCHAR) WITH (max_rows 1000)
INSERT INTO recent VALUES (1, 'a')
DROP RING TABLE recent
"""

import re
from collections.abc import Mapping
from typing import Any

import duckdb

from indexer.errors import QueryRefused
from indexer.live.attachment import Attachment, attach, find
from indexer.live.limits import RingLimits
from indexer.live.sql_rings import SqlRings
from indexer.live.statements import (
    MAYBE_INSERT,
    MAYBE_OURS,
    Attach,
    CreateRing,
    Detach,
    DropRing,
    Insert,
    Option,
    Statement,
)

_ATTACH_OPTIONS = (
    *("max_rows", "max_bytes", "pinned_bytes_max", "decoded_bytes_max"),
    *("http_port", "token", "allow_open"),
)
_RING_OPTIONS = ("max_rows", "max_bytes")
_TEXT_OPTIONS = frozenset({"token", "allow_open"})
_SIZE = re.compile(r"(\d+)\s*(KiB|MiB|GiB)\Z", re.IGNORECASE)
_UNITS = {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


class LiveSql:
    """Live schemas and rings of one connection, made by SQL."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, into: str) -> None:
        """``into`` is the database in which rings have their names."""
        self._connection = connection
        self._rings = SqlRings(connection, into)
        self._attached: list[Attachment] = []

    def may_have_ours(self, sql: str) -> bool:
        """Whether it is worth while to take a script apart."""
        return bool(MAYBE_OURS.search(sql) or (self._rings and MAYBE_INSERT.search(sql)))

    def is_ours(self, statement: Statement | None) -> bool:
        """Whether ``run`` takes the statement; it is DuckDB's otherwise."""
        if isinstance(statement, Insert):
            return statement.name in self._rings
        if isinstance(statement, Detach):
            return find(self._connection, statement.alias) is not None
        return statement is not None

    def run(self, statement: Statement | None, parameters: Any = None) -> int | None:
        """Run a statement of ours; of INSERT, how many rows there were.

        Raises InvalidSettings, QueryRefused and duckdb.Error.
        """
        if isinstance(statement, Insert):
            return self._rings.insert(
                statement.name, statement.columns, statement.query, parameters
            )
        if isinstance(statement, Attach):
            self._attach(statement)
        elif isinstance(statement, Detach):
            self._detach(statement)
        elif isinstance(statement, CreateRing):
            self._create(statement)
        elif isinstance(statement, DropRing):
            self._drop(statement)
        return None

    def close(self) -> None:
        """Detach everything."""
        for attachment in self._attached:
            attachment.close()
        self._rings.close()

    def _attach(self, statement: Attach) -> None:
        if statement.if_not_exists and find(self._connection, statement.alias) is not None:
            return
        options = _options(statement.options, _ATTACH_OPTIONS)
        made = attach(self._connection, statement.url, alias=statement.alias, **options)
        self._attached.append(made)

    def _detach(self, statement: Detach) -> None:
        found = find(self._connection, statement.alias)
        if found is not None:
            found.detach()
            self._attached = [one for one in self._attached if one is not found]

    def _create(self, statement: CreateRing) -> None:
        if statement.if_not_exists and statement.name in self._rings:
            return
        options = _options(statement.options, _RING_OPTIONS)
        limits = RingLimits(**{name.removeprefix("max_"): value for name, value in options.items()})
        self._rings.create(statement.name, statement.columns, limits)

    def _drop(self, statement: DropRing) -> None:
        if statement.name in self._rings:
            self._rings.drop(statement.name)
        elif not statement.if_exists:
            raise QueryRefused(f"{statement.name} is not a ring", hint="See SHOW TABLES.")


def _options(given: Mapping[str, Option], known: tuple[str, ...]) -> dict[str, Any]:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise QueryRefused(f"unknown option {unknown[0]!r}", hint=f"There are {', '.join(known)}.")
    return {name: _value(name, value) for name, value in given.items()}


def _value(name: str, value: Option) -> str | int:
    if name in _TEXT_OPTIONS:
        return str(value)
    size = _SIZE.match(str(value))
    if size and name.endswith(("bytes", "bytes_max")):
        return int(size[1]) * _UNITS[size[2].lower()]
    if name == "http_port" and str(value).lower() == "off":
        return -1
    if isinstance(value, bool) or not isinstance(value, int):
        raise QueryRefused(f"invalid {name} {value!r}", hint="Give a number.")
    return value
