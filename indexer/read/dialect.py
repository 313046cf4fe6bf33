"""Recognise who wrote a file by its columns, and check their types before anything is read.

A dialect is a TOML document in ``schemas/parquet``: which columns identify it, which of them
hold the metadata of a span, and what the payload columns are called. A file matches the dialect
whose identifying columns it has all of; of several, the one that names the most.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import pyarrow as pa

from indexer.contracts import dialect_documents
from indexer.errors import FormatNotRead, NotSpans, SchemaMismatch
from indexer.read.folder_columns import folder_key, folder_values
from indexer.read.known_formats import known_format

_FOLDER_TYPES = {"id", "text", "kind", "status"}
"""What a folder can say; a time in its name is that of many spans, rounded."""

FieldType = Literal["id", "text", "timestamp", "duration", "integer", "kind", "status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where one canonical metadata field stands in a file."""

    name: str
    column: str
    type: FieldType
    optional: bool
    unit: str | None = None
    """Of a time or duration that is a plain integer; None where its numbers have to tell."""


@dataclass(frozen=True, slots=True)
class PayloadColumn:
    """Where one canonical payload column stands: in a column, or in lists side by side."""

    name: str
    parts: tuple[tuple[str, str], ...]
    """(key in each element, the file's column); the key of a whole column is empty."""
    null_is_empty: bool = True
    """Whether a NULL says that there is nothing, rather than that nothing is known."""

    @property
    def is_whole(self) -> bool:
        """One column holds it."""
        return self.parts[0][0] == ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns."""
        return tuple(column for _, column in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to write spans into Parquet."""

    name: str
    title: str
    recognised_by: frozenset[str]
    fields: tuple[Field, ...]
    payload: tuple[PayloadColumn, ...]

    @property
    def required_columns(self) -> frozenset[str]:
        """Columns without which a span cannot be indexed."""
        return frozenset(field.column for field in self.fields if not field.optional)

    def missing_payload(self, columns: frozenset[str]) -> tuple[str, ...]:
        """Canonical payload columns that a file with these columns does not have."""
        return tuple(one.name for one in self.payload if not columns.issuperset(one.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A file's dialect, and what is particular about the file's own columns."""

    dialect: Dialect
    positions: Mapping[str, int]
    """Of each of the file's columns by its exact name; of several with one name, the first's."""
    folder_fields: tuple[tuple[Field, str], ...]
    """Metadata fields that the file lacks and its folders say, each with their key for it."""
    missing_columns: tuple[str, ...]
    """Canonical payload columns that it lacks."""
    nested_columns: tuple[str, ...]
    """Its payload columns whose values, or whose lists' elements, are maps, structs or lists."""


@cache
def dialects() -> tuple[Dialect, ...]:
    """Every known dialect, the one with the most identifying columns first."""
    known = [_from_document(document) for document in dialect_documents()]
    return tuple(sorted(known, key=lambda dialect: (-len(dialect.recognised_by), dialect.name)))


@cache
def text_columns() -> tuple[str, ...]:
    """Columns of any dialect that are read dictionary-encoded."""
    fields = [field for dialect in dialects() for field in dialect.fields]
    return tuple(sorted({field.column for field in fields if field.type == "text"}))


def recognise(schema: pa.Schema, relative_path: str) -> Layout:
    """The file's layout, its metadata columns present and of readable types.

    A required column may stand in the names of the file's folders. Raises NotSpans, naming the
    nearest dialect and what it would need, FormatNotRead, or SchemaMismatch.
    """
    try:
        return _recognise(schema, frozenset(folder_values(relative_path)))
    except (FormatNotRead, NotSpans, SchemaMismatch) as error:
        raise type(error)(error.message, path=relative_path, hint=error.advice) from error


@lru_cache(maxsize=64)
def _recognise(schema: pa.Schema, folder_keys: frozenset[str]) -> Layout:
    """The files of one writer have one schema: it is looked at once."""
    columns = frozenset(schema.names)
    for dialect in dialects():
        folder_fields = _folder_fields(dialect, columns, folder_keys)
        found = columns.union(field.column for field, _ in folder_fields)
        if dialect.recognised_by <= columns and dialect.required_columns <= found:
            _check_types(dialect, schema)
            return Layout(
                dialect=dialect,
                positions={name: at for at, name in reversed([*enumerate(schema.names)])},
                folder_fields=folder_fields,
                missing_columns=dialect.missing_payload(columns),
                nested_columns=tuple(_nested(dialect, schema)),
            )
    known = known_format(schema)
    if known is not None:
        raise FormatNotRead(f"this version does not read {known.title}", hint=known.hint)
    raise NotSpans(_nearest(columns))


def _folder_fields(
    dialect: Dialect, columns: frozenset[str], folder_keys: frozenset[str]
) -> tuple[tuple[Field, str], ...]:
    """Fields without a column for which a folder has a value, under the dialect's name or ours."""
    lacking = [
        field
        for field in dialect.fields
        if field.column not in columns and field.type in _FOLDER_TYPES
    ]
    keyed = [(field, folder_key(folder_keys, field.column, field.name)) for field in lacking]
    return tuple((field, key) for field, key in keyed if key is not None)


def _check_types(dialect: Dialect, schema: pa.Schema) -> None:
    for field in dialect.fields:
        count = schema.names.count(field.column)
        if count > 1:
            raise SchemaMismatch(
                f"dialect {dialect.name}: column {field.column} occurs more than once"
            )
        if not count:
            continue
        kind = schema.field(field.column).type
        if not _ACCEPTS[field.type](kind):
            raise SchemaMismatch(
                f"dialect {dialect.name}: column {field.column} is {kind}, expected {field.type}"
            )


def _nested(dialect: Dialect, schema: pa.Schema) -> list[str]:
    nested = []
    for payload in dialect.payload:
        for column in payload.columns:
            if column not in schema.names:
                continue
            kind = schema.field(schema.names.index(column)).type
            if not payload.is_whole and _is_list(kind):
                kind = kind.value_type
            if pa.types.is_nested(kind):
                nested.append(column)
    return nested


def _nearest(columns: frozenset[str]) -> str:
    def needed_columns(dialect: Dialect) -> frozenset[str]:
        return (dialect.required_columns | dialect.recognised_by) - columns

    nearest = min(dialects(), key=lambda dialect: (len(needed_columns(dialect)), dialect.name))
    tried = ", ".join(dialect.name for dialect in dialects())
    return (
        f"no span dialect fits; nearest is {nearest.name}, "
        f"missing columns: {', '.join(sorted(needed_columns(nearest)))}; tried: {tried}"
    )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_null(kind):  # what a column of NULLs alone becomes in pandas and polars
        return True
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)  # what older ClickHouse writes for its String
        or bool(kind == pa.string_view())
    )


def _is_id(kind: pa.DataType) -> bool:
    """Text, or bytes: a UUID's logical type comes as an extension."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return _is_text(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _from_document(document: dict[str, Any]) -> Dialect:
    fields = tuple(
        Field(
            name=name,
            column=entry["column"],
            type=entry["type"],
            optional=entry.get("optional", False),
            unit=entry.get("unit"),
        )
        for name, entry in document["metadata"].items()
    )
    payload = tuple(
        PayloadColumn(
            name,
            tuple(entry.items()) if isinstance(entry, dict) else (("", entry),),
            null_is_empty=not document.get("null_is_unknown", False),
        )
        for name, entry in document["payload"].items()
    )
    return Dialect(
        name=document["name"],
        title=document["title"],
        recognised_by=frozenset(document["recognised_by"]),
        fields=fields,
        payload=payload,
    )


_ACCEPTS = {
    "id": _is_id,
    "text": _is_text,
    "timestamp": lambda kind: pa.types.is_timestamp(kind) or pa.types.is_integer(kind),
    "duration": lambda kind: pa.types.is_duration(kind) or pa.types.is_integer(kind),
    "integer": pa.types.is_integer,
    "kind": lambda kind: _is_text(kind) or pa.types.is_integer(kind),
    "status": lambda kind: _is_text(kind) or pa.types.is_integer(kind),
}
