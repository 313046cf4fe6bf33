"""Where the parts of a span stand in the files of one writer, as values without behaviour of files.

A part is a column, a member on a path into a column, lists side by side, or an object that is
gathered from columns. The words that say so are in ``dialect_document``.
"""

from collections.abc import Collection, Iterator
from dataclasses import field, replace
from typing import Literal

from indexer.deferred_dataclass import dataclass

FieldType = Literal["id", "uuid", "text", "timestamp", "duration", "integer", "kind", "status"]
Paths = tuple[tuple[str, ...], ...]
"""Of one value, the first that leads anywhere counts; see ``members``."""

REST = "*"
"""At the end of a column: every column that begins so. At the end of a key: the members of an
object under that beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where one canonical metadata field stands in a file."""

    name: str
    column: str
    type: FieldType
    optional: bool
    unit: str | None = None
    """Of a time or duration that is a plain integer; None where its numbers have to tell."""
    paths: Paths = ()
    """Into the column, where the value is not the column's own."""
    values: tuple[tuple[str, int], ...] | None = None
    """Numbers of an enumeration by the writer's names for them; any other name is 0."""
    null_is_start: bool = False
    """Of an end: a NULL says that the span takes no time, or that it still runs."""

    label: str = field(init=False)
    """The name of its values in a table of metadata columns."""

    def __post_init__(self) -> None:
        steps = (step for path in self.paths[:1] for step in path)
        object.__setattr__(self, "label", ": ".join([self.column, *steps]))


@dataclass(frozen=True, slots=True)
class PayloadColumn:
    """Where one canonical payload column stands: in a column, or in several."""

    name: str
    parts: tuple[tuple[str, str], ...]
    """(key in the object or each element, the file's column); that of a whole column is empty."""
    null_is_empty: bool = True
    """Whether a NULL says that there is nothing, rather than that nothing is known."""
    paths: tuple[tuple[str, Paths], ...] = ()
    """Into the columns of these keys."""
    is_gathered: bool = False
    """The parts are members of one object, and not lists side by side."""
    first_of_key: bool = False
    """Of a key that a map has twice the first value counts, and not the last."""
    whole_doubles: bool = False
    """A double without a fraction is an integer that the writer's types could not hold."""
    zero_is_nothing: bool = False
    """Of what is gathered, a number that is 0 says nothing."""

    @property
    def is_whole(self) -> bool:
        """One column holds it."""
        return self.parts[0][0] == ""

    @property
    def is_member(self) -> bool:
        """Its columns hold values of it, and none is JSON text of all of it."""
        return self.is_gathered or bool(self.paths)

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns."""
        return tuple(column for _, column in self.parts)

    def paths_of(self, key: str) -> Paths:
        """Into the column of this key."""
        return next((paths for one, paths in self.paths if one == key), ())

    def in_file(self, columns: Collection[str]) -> "PayloadColumn | None":
        """With the columns that a file has; None where they do not make it.

        Something gathered is made of any of its columns, all else of all.
        """
        if not self.is_gathered:
            return self if set(columns) >= set(self.columns) else None
        parts = tuple(part for one in self.parts for part in _parts_of_file(*one, columns))
        return replace(self, parts=parts) if parts else None

    def of_keys(self, keys: Collection[str]) -> "PayloadColumn | None":
        """What is gathered, without the parts that have none of the keys; None if all are such."""
        if not self.is_gathered:
            return self
        kept = tuple((key, column) for key, column in self.parts if _has_any(key, keys))
        return replace(self, parts=kept) if kept else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to write spans into Parquet."""

    name: str
    title: str
    how_to_get: str
    """Its files, in a sentence for operators; empty where the title says it."""
    recognised_by: frozenset[str]
    fields: tuple[Field, ...]
    payload: tuple[PayloadColumn, ...]
    trace_a_row: bool = False
    """A row of the file is a trace; the columns are those of its spans, see ``tempo_block``."""
    refused_beside: str | None = None
    """A folder that tells a table with a log: its files alone do not say which rows there are."""

    @property
    def required_columns(self) -> frozenset[str]:
        """Columns without which a span cannot be indexed."""
        return frozenset(field.column for field in self.fields if not field.optional)

    def missing_payload(self, columns: frozenset[str]) -> tuple[str, ...]:
        """Canonical payload columns that a file with these columns does not have."""
        return tuple(one.name for one in self.payload if one.in_file(columns) is None)


def _parts_of_file(key: str, column: str, columns: Collection[str]) -> Iterator[tuple[str, str]]:
    """The part with a column of the file, or with each that begins as it says."""
    if not column.endswith(REST):
        if column in columns:
            yield key, column
        return
    begin = column.removesuffix(REST)
    for one in columns:
        if one.startswith(begin) and one != begin:
            yield key.removesuffix(REST) + one.removeprefix(begin), one


def _has_any(key: str, keys: Collection[str]) -> bool:
    begin = key.removesuffix(REST)
    return any(one.startswith(begin) for one in keys) if key.endswith(REST) else key in keys
