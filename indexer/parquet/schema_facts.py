"""What follows from the schema of a file alone, found once for all files of one writer.

For a file of 500 spans it took as long as a third of its pages. Two footers that begin with the
same bytes, up to the end of their schema, have the same one.
"""

from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.parquet.plain_types import plain_schema
from indexer.parquet.thrift import NOT_THRIFT, after_list, read_varint

if TYPE_CHECKING:  # questions that open no file do not load it
    import pyarrow.parquet as pq

_KEPT_MAX = 16
_VERSION, _SCHEMA = 0x15, 0x19
"""How the first two fields of FileMetaData begin: an i32, and a list after it."""
_ARROW_TYPES = b"ARROW:schema"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SchemaFacts:
    """The columns of files with one schema."""

    begin: bytes
    """Of the footer, the schema being its end; empty where it does not begin as usual."""
    arrow_types: bytes | None
    """What Arrow has noted of its types beside the schema."""
    text_columns: tuple[str, ...]
    coded: tuple[str, ...]
    """Those of the text columns that it has."""
    schema: pa.Schema
    """Those columns dictionary-encoded, and the types of all plain."""
    is_read_plain: bool
    """Whether Arrow reads it so."""
    names: tuple[str, ...]
    leaf_paths: tuple[str, ...]
    """The path of each column of values, as Parquet has them."""
    leaves: tuple[range, ...]
    """The columns of values that each column is stored in."""
    int96: frozenset[int]
    """Columns of values that are stored so."""

    def are_of(self, metadata: "pq.FileMetaData") -> bool:
        """Whether they hold for a file whose footer begins so."""
        return self.arrow_types == _arrow_types(metadata)


_kept: tuple[SchemaFacts, ...] = ()
"""The latest first. Put in place whole: the threads that read files share it."""


def known_facts(footer: bytes, text_columns: tuple[str, ...]) -> SchemaFacts | None:
    """Those of a file that was seen lately, whose footer begins like this one."""
    for facts in _kept:
        if facts.text_columns == text_columns and footer.startswith(facts.begin):
            return facts
    return None


def new_facts(
    footer: bytes,
    metadata: "pq.FileMetaData",
    text_columns: tuple[str, ...],
    coded: tuple[str, ...],
    schema: pa.Schema,
) -> SchemaFacts:
    """Those of a file that Arrow reads with this schema, kept for the next."""
    global _kept  # noqa: PLW0603 - see above
    begin = _begin(footer)
    columns = [metadata.schema.column(at) for at in range(metadata.num_columns)]
    ends = list(accumulate(map(_leaf_count, schema.types)))
    plain = plain_schema(schema)
    facts = SchemaFacts(
        begin=begin,
        arrow_types=_arrow_types(metadata),
        text_columns=text_columns,
        coded=coded,
        schema=plain,
        is_read_plain=plain == schema,
        names=tuple(schema.names),
        leaf_paths=tuple(column.path for column in columns),
        leaves=tuple(range(first, end) for first, end in zip([0, *ends], ends, strict=False)),
        int96=frozenset(at for at, column in enumerate(columns) if column.physical_type == "INT96"),
    )
    if facts.begin:
        beside = [one for one in _kept if (one.begin, one.text_columns) != (begin, text_columns)]
        _kept = (facts, *beside[: _KEPT_MAX - 1])
    return facts


def _begin(footer: bytes) -> bytes:
    """Up to the end of the schema; empty where it is written otherwise, as Thrift allows."""
    try:
        if footer[0] == _VERSION:
            _, at = read_varint(footer, 1)
            if footer[at] == _SCHEMA:
                return footer[: after_list(footer, at + 1)]
    except NOT_THRIFT:  # Arrow has read it all the same: its facts are found anew for each file
        return b""
    return b""


def _arrow_types(metadata: "pq.FileMetaData") -> bytes | None:
    return (metadata.metadata or {}).get(_ARROW_TYPES)


def _leaf_count(kind: pa.DataType) -> int:
    """Columns of values that Parquet stores a column of this type in."""
    if isinstance(kind, pa.BaseExtensionType):
        return _leaf_count(kind.storage_type)
    if pa.types.is_nested(kind):
        return sum(_leaf_count(kind.field(at).type) for at in range(kind.num_fields))
    return 1
