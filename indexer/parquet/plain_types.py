"""Types that all of Arrow computes with, for those that a writer has noted beside the schema. Pure.

Arrow reads a column as its writer had it in memory, and has no rows taken of views of texts. The
bytes in the file are the same.
"""

from collections.abc import Callable

import pyarrow as pa


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The same columns, of plain types."""
    return pa.schema([_plain_field(field) for field in schema], schema.metadata)


def plain_table(table: pa.Table) -> pa.Table:
    """The same values, in columns of plain types."""
    schema = plain_schema(table.schema)
    columns = [
        _plain(column, kind) for column, kind in zip(table.columns, schema.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _plain(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Arrow makes lists of views of lists without an end where one is NULL (26.0)."""
    if _VIEW_OF_LISTS in str(column.type):
        return pa.chunked_array([pa.array(column.to_pylist(), kind)], kind)
    return column.cast(kind)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Text, bytes and lists for views of them, and text for JSON, at any depth."""
    if isinstance(kind, pa.JsonType):
        return _plain_type(kind.storage_type)
    make = _PLAIN.get(kind.id)
    return kind if make is None else make(kind)


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(_plain_type(field.type))


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_plain_field(kind.value_field))


def _large_list(kind: pa.DataType) -> pa.DataType:
    return pa.large_list(_plain_field(kind.value_field))


def _fixed_size_list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_plain_field(kind.value_field), kind.list_size)


def _map(kind: pa.DataType) -> pa.DataType:
    return pa.map_(_plain_field(kind.key_field), _plain_field(kind.item_field), kind.keys_sorted)


def _struct(kind: pa.DataType) -> pa.DataType:
    return pa.struct([_plain_field(field) for field in kind])


_VIEW_OF_LISTS = "list_view"
_PLAIN: dict[int, Callable[[pa.DataType], pa.DataType]] = {
    pa.lib.Type_STRING_VIEW: lambda _: pa.large_string(),
    pa.lib.Type_BINARY_VIEW: lambda _: pa.binary(),
    pa.lib.Type_LIST: _list,
    pa.lib.Type_LIST_VIEW: _list,
    pa.lib.Type_LARGE_LIST: _large_list,
    pa.lib.Type_LARGE_LIST_VIEW: _large_list,
    pa.lib.Type_FIXED_SIZE_LIST: _fixed_size_list,
    pa.lib.Type_MAP: _map,
    pa.lib.Type_STRUCT: _struct,
}
"""By the type, what is plain of it; all others are so."""
