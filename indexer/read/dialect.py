"""Recognise who wrote a file by its columns, and check their types before anything is read.

A dialect is a TOML document in ``schemas/parquet``: which columns identify it, which of them
hold the metadata of a span, and what the payload columns are called. A file matches the dialect
whose identifying columns it has all of; of several, the one that names the most.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import FormatNotRead, NotSpans, SchemaMismatch
from indexer.read.dialect_document import dialects
from indexer.read.dialect_fields import Dialect, Field
from indexer.read.folder_columns import folder_key, folder_values
from indexer.read.known_formats import known_format

_LAYOUTS_MAX = 64
_FOLDER_TYPES = {"id", "text", "kind", "status"}
"""What a folder can say; a time in its name is that of many spans, rounded."""


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
    fields: tuple[Field, ...]
    """Metadata fields whose column it has."""
    stored: tuple[int, ...]
    """Positions of these columns, each once."""
    places: tuple[int, ...]
    """Of the column of each of these fields, among those."""
    labels: tuple[str, ...] | None
    """Of these fields, where each of them is a column of its own; None where one is a part of one
    or shares it."""


@cache
def text_columns() -> tuple[str, ...]:
    """Columns of any dialect that are read dictionary-encoded."""
    fields = [field for dialect in dialects() for field in dialect.fields]
    return tuple(
        sorted({field.column for field in fields if field.type == "text" and not field.paths})
    )


def recognise(schema: pa.Schema, relative_path: str) -> Layout:
    """The file's layout, its metadata columns present and of readable types.

    A required column may stand in the names of the file's folders. Raises NotSpans, naming the
    nearest dialect and what it would need, FormatNotRead, or SchemaMismatch.
    """
    try:
        return _layout(schema, frozenset(folder_values(relative_path)))
    except (FormatNotRead, NotSpans, SchemaMismatch) as error:
        raise type(error)(error.message, path=relative_path, hint=error.advice) from error


_layouts: dict[tuple[int, frozenset[str]], tuple[pa.Schema, Layout]] = {}
"""By the schema that this program has for all files of a writer: to compare two takes longer."""


def _layout(schema: pa.Schema, folder_keys: frozenset[str]) -> Layout:
    found = _layouts.get((id(schema), folder_keys))
    if found is None:
        if len(_layouts) >= _LAYOUTS_MAX:
            _layouts.clear()
        found = schema, _recognise(schema, folder_keys)
        _layouts[id(schema), folder_keys] = found  # it lives as long, and so no other has its id
    return found[1]


@lru_cache(maxsize=_LAYOUTS_MAX)
def _recognise(schema: pa.Schema, folder_keys: frozenset[str]) -> Layout:
    """The files of one writer have one schema: it is looked at once."""
    columns = frozenset(schema.names)
    for dialect in dialects():
        folder_fields = _folder_fields(dialect, columns, folder_keys)
        found = columns.union(field.column for field, _ in folder_fields)
        if dialect.recognised_by <= columns and dialect.required_columns <= found:
            _check_types(dialect, schema)
            positions = {name: at for at, name in reversed([*enumerate(schema.names)])}
            fields = tuple(field for field in dialect.fields if field.column in positions)
            stored = tuple(dict.fromkeys(positions[field.column] for field in fields))
            return Layout(
                dialect=dialect,
                positions=positions,
                folder_fields=folder_fields,
                missing_columns=dialect.missing_payload(columns),
                nested_columns=tuple(_nested(dialect, schema)),
                fields=fields,
                stored=stored,
                places=tuple(stored.index(positions[field.column]) for field in fields),
                labels=_labels(fields),
            )
    known = known_format(schema)
    if known is not None:
        raise FormatNotRead(f"this version does not read {known.title}", hint=known.hint)
    raise NotSpans(_nearest(columns))


def _labels(fields: Sequence[Field]) -> tuple[str, ...] | None:
    labels = tuple(field.label for field in fields)
    is_plain = len(set(labels)) == len(labels) and not any(field.paths for field in fields)
    return labels if is_plain else None


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
        if not field.paths and not _ACCEPTS[field.type](kind):
            raise SchemaMismatch(
                f"dialect {dialect.name}: column {field.column} is {kind}, expected {field.type}"
            )


def _nested(dialect: Dialect, schema: pa.Schema) -> list[str]:
    nested = []
    found = (payload.in_file(schema.names) or payload for payload in dialect.payload)
    for payload in found:
        for column in payload.columns:
            if column not in schema.names:
                continue
            kind = schema.field(schema.names.index(column)).type
            if not payload.is_whole and not payload.is_gathered and _is_list(kind):
                kind = kind.value_type
            if pa.types.is_nested(kind):
                nested.append(column)
    return [*dict.fromkeys(nested)]


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
        or pa.types.is_large_binary(kind)  # and polars for its Binary
        or bool(kind == pa.string_view())
    )


def _is_id(kind: pa.DataType) -> bool:
    """Text, or bytes: a UUID's logical type comes as an extension."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return _is_text(kind) or pa.types.is_fixed_size_binary(kind)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


_ACCEPTS = {
    "id": _is_id,
    "uuid": _is_text,
    "text": _is_text,
    "timestamp": lambda kind: pa.types.is_timestamp(kind) or pa.types.is_integer(kind),
    "duration": lambda kind: pa.types.is_duration(kind) or pa.types.is_integer(kind),
    "integer": pa.types.is_integer,
    "kind": lambda kind: _is_text(kind) or pa.types.is_integer(kind),
    "status": lambda kind: _is_text(kind) or pa.types.is_integer(kind),
}
