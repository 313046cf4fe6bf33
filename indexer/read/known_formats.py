"""Formats that are known and not read, each refused under its own name with what to do instead.

They are TOML documents in ``schemas/parquet/not_read``. A format is recognised by names of columns,
or of fields inside them with dots between; lists have no name of their own.
"""

from collections.abc import Iterator
from functools import cache

import pyarrow as pa

from indexer.contracts import documents_not_read
from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFormat:
    """A format of files that this program cannot index."""

    title: str
    recognised_by: frozenset[str]
    hint: str


@cache
def known_formats() -> tuple[KnownFormat, ...]:
    """Every known format, the one with the most identifying names first."""
    known = [
        KnownFormat(
            title=document["title"],
            recognised_by=frozenset(document["recognised_by"]),
            hint=document["hint"],
        )
        for document in documents_not_read()
    ]
    return tuple(sorted(known, key=lambda one: (-len(one.recognised_by), one.title)))


def known_format(schema: pa.Schema) -> KnownFormat | None:
    """The format that has all of its names in the schema; None when none has."""
    names = set(_names(schema, "", _DEPTH_MAX))
    return next((one for one in known_formats() if one.recognised_by <= names), None)


_DEPTH_MAX = 6
"""Structs in structs that names are looked for in; Tempo's spans are in three."""


def _names(fields: pa.Schema | pa.DataType, prefix: str, depth: int) -> Iterator[str]:
    for field in fields:
        kind = field.type
        yield prefix + field.name
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind = kind.value_type
        if depth and pa.types.is_struct(kind):
            yield from _names(kind, f"{prefix}{field.name}.", depth - 1)
