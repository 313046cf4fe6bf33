"""Where the column chunks of a file lie, which column each is of, and which are encrypted.

The footer is read here from its own bytes (Parquet format, "Metadata" and parquet.thrift), because
pyarrow's column metadata ends the process over some statistics that a flipped bit makes, and raises
over every column that is encrypted.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.errors import CorruptPage
from indexer.parquet.chunk_statistics import WRITER, Constant, constant_of
from indexer.parquet.thrift import NOT_THRIFT, Wanted, read_struct, whole

_PATH_GROUPS_MAX = 32
"""Groups of a path that are told: a few kilobytes of schema can have a thousand in each other."""

_FIRST_OFFSET = 4  # after the magic; some writers say 0 where they mean none
_SCHEMA, _ROW_GROUPS, _CREATED_BY = 2, 4, 6  # FileMetaData
_TYPE, _REPETITION, _NAME, _CHILDREN, _CONVERTED, _LOGICAL = 1, 3, 4, 5, 6, 10  # SchemaElement
_GROUP_COLUMNS, _GROUP_ROWS = 1, 3  # RowGroup
_CHUNK_METADATA, _CRYPTO_METADATA = 3, 8  # ColumnChunk
_PATH_IN_SCHEMA, _CODEC, _COMPRESSED_SIZE = 3, 4, 7  # ColumnMetaData
_DATA_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET = 9, 11  # ColumnMetaData
_SIZES: Wanted = {
    _ROW_GROUPS: {
        _GROUP_COLUMNS: {_CHUNK_METADATA: {_COMPRESSED_SIZE: None}, _CRYPTO_METADATA: None}
    }
}
_NO_PAGES = "the footer does not say where its pages are"
_NOTHING = {_CODEC: 0, _COMPRESSED_SIZE: 0, _DATA_PAGE_OFFSET: 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChunk:
    """One leaf column of one row group: where its pages are, and how values are stored."""

    path_in_schema: str
    position: int
    """Of the column that it is, or is a part of, among the columns of the file."""
    column: str
    """The name of that column, which others may have too."""
    is_flat: bool
    """One value a row, or none."""
    is_encrypted: bool
    offset: int
    size_bytes: int
    codec: int
    physical_type: int
    repetition: int
    converted_type: int | None
    has_logical_type: bool
    constant: Constant | None = None
    """What all its rows have, as the footer says: to be believed of a footer that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """The column chunks of one row group."""

    row_count: int
    chunks: tuple[ColumnChunk, ...]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A column of values, and where it stands in the schema."""

    element: dict[int, Any]
    path: str
    column: str
    position: int
    is_flat: bool


def row_groups(footer: bytes, path: str) -> list[RowGroup]:
    """The column chunks of each row group. Raises CorruptPage for what is not a footer."""
    try:
        metadata, _ = read_struct(footer)
        leaves = list(_leaves(metadata[_SCHEMA]))
        says_constants = bytes(metadata.get(_CREATED_BY, b"")).startswith(WRITER)
        return [
            RowGroup(
                row_count=whole(group[_GROUP_ROWS]),
                chunks=tuple(
                    _chunk(chunk, leaf, group[_GROUP_ROWS] if says_constants else 0)
                    for chunk, leaf in zip(group[_GROUP_COLUMNS], leaves, strict=True)
                ),
            )
            for group in metadata.get(_ROW_GROUPS, [])
        ]
    except NOT_THRIFT as error:
        raise CorruptPage(_NO_PAGES, path=path) from error


def chunk_sizes(footer: bytes, path: str) -> list[list[int]]:
    """The compressed bytes of each column chunk of each row group. Raises CorruptPage.

    Nothing else is read, which takes a third of the time: that is what each file of a search takes.
    """
    try:
        metadata, _ = read_struct(footer, wanted=_SIZES)
        return [
            [_size(chunk) for chunk in group[_GROUP_COLUMNS]]
            for group in metadata.get(_ROW_GROUPS, [])
        ]
    except NOT_THRIFT as error:
        raise CorruptPage(_NO_PAGES, path=path) from error


def positions_of(groups: Sequence[RowGroup]) -> dict[str, int]:
    """The position of each column by its name: of several with one name, that of the first."""
    found: dict[str, int] = {}
    for chunk in groups[0].chunks if groups else ():
        found.setdefault(chunk.column, chunk.position)
    return found


def encrypted_columns(groups: Sequence[RowGroup]) -> dict[int, str]:
    """The names of the columns, by position, that are encrypted as a whole or in part."""
    chunks = (chunk for group in groups for chunk in group.chunks if chunk.is_encrypted)
    return {chunk.position: chunk.column for chunk in chunks}


def _leaves(schema: list[dict[int, Any]]) -> Iterator[_Leaf]:
    """The schema is a tree, written depth first; its first element is the root."""
    position = -1
    groups: list[tuple[str, int]] = []
    """(name, children that are still to come) of each group that the next element is in."""
    for element in schema[1:]:
        while groups and not groups[-1][1]:
            groups.pop()
        if groups:
            groups[-1] = (groups[-1][0], groups[-1][1] - 1)
        else:
            position += 1
        name = element[_NAME].decode("utf-8", "replace")
        children = whole(element.get(_CHILDREN, 0))
        if children:
            groups.append((name, children))
        else:
            outer = [group for group, _ in groups[:_PATH_GROUPS_MAX]]
            path = ".".join([*outer, name]) if groups else name
            yield _Leaf(element, path, outer[0] if outer else name, position, not outer)


def _size(chunk: dict[int, Any]) -> int:
    nothing = _NOTHING if _CRYPTO_METADATA in chunk else {}
    return whole((chunk.get(_CHUNK_METADATA) or nothing)[_COMPRESSED_SIZE])


def _chunk(chunk: dict[int, Any], leaf: _Leaf, row_count: int) -> ColumnChunk:
    """The dictionary page, where there is one, comes first (Parquet format, "Column chunks").

    With a ``row_count`` its statistics are looked at.
    """
    is_encrypted = _CRYPTO_METADATA in chunk
    metadata: dict[int, Any] = chunk.get(_CHUNK_METADATA) or (_NOTHING if is_encrypted else {})
    offset = whole(metadata[_DATA_PAGE_OFFSET])
    dictionary = whole(metadata.get(_DICTIONARY_PAGE_OFFSET, 0))
    if not is_encrypted and leaf.element[_NAME] != metadata[_PATH_IN_SCHEMA][-1]:
        raise ValueError("the columns are not those of the schema")
    element = leaf.element
    physical_type, repetition = whole(element[_TYPE]), whole(element[_REPETITION])
    converted_type = whole(element[_CONVERTED]) if _CONVERTED in element else None
    constant = None
    if row_count and leaf.is_flat and not is_encrypted:
        constant = constant_of(
            metadata,
            row_count,
            physical_type=physical_type,
            converted_type=converted_type,
            repetition=repetition,
        )
    return ColumnChunk(
        path_in_schema=leaf.path,
        position=leaf.position,
        column=leaf.column,
        is_flat=leaf.is_flat,
        is_encrypted=is_encrypted,
        offset=dictionary if dictionary >= _FIRST_OFFSET else offset,
        size_bytes=whole(metadata[_COMPRESSED_SIZE]),
        codec=whole(metadata[_CODEC]),
        physical_type=physical_type,
        repetition=repetition,
        converted_type=converted_type,
        has_logical_type=_LOGICAL in element,
        constant=constant,
    )
