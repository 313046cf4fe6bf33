"""How the values of one column are held: as arrays in memory, in Arrow, in SQL and as Python's.

The arrays of a column are its vectors: one for most, two words for a trace id.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.identifiers import UInt64Array, format_hex, parse_hex
from indexer.spans.texts import Texts

Vectors = Sequence[Any]
"""Arrays of numpy, or ``Texts``, in the order of the column's fields."""


class ColumnType(Protocol):
    """What is asked of a type; ``sql`` is its declaration in ``indexed_spans``."""

    @property
    def sql(self) -> str:
        """Type and nullability, as in CREATE TABLE."""

    def empty(self) -> Vectors:
        """Of no rows."""

    def to_arrow(self, vectors: Vectors) -> Any:
        """One Arrow array, or what ``pa.table`` takes for one without a copy."""

    def from_arrow(self, column: pa.Array) -> Vectors:
        """The inverse, of one contiguous array."""

    def words(self, vectors: Vectors) -> list[UInt64Array]:
        """64 bits or more a row that equal values share, for digests."""

    def to_rows(self, vectors: Vectors) -> list[Any]:
        """One value a row as people see it: ids in hex, None for none."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Integers that are never NULL."""

    sql_type: str
    dtype: type[np.generic]

    @property
    def sql(self) -> str:
        """Never NULL."""
        return f"{self.sql_type} NOT NULL"

    def empty(self) -> Vectors:
        """One array."""
        return (np.zeros(0, self.dtype),)

    def to_arrow(self, vectors: Vectors) -> Any:
        """The array itself."""
        return vectors[0]

    def from_arrow(self, column: pa.Array) -> Vectors:
        """Without a copy."""
        return (column.to_numpy(),)

    def words(self, vectors: Vectors) -> list[UInt64Array]:
        """Negative numbers in two's complement."""
        return [vectors[0].astype(np.uint64)]

    def to_rows(self, vectors: Vectors) -> list[Any]:
        """As they are."""
        rows: list[Any] = vectors[0].tolist()
        return rows


@dataclass(frozen=True, slots=True)
class SpanIds:
    """64-bit ids; where they are optional 0 is none, as no real span id is 0."""

    optional: bool = False

    @property
    def sql(self) -> str:
        """The integer: its text doubles the cost of an insert."""
        return "UBIGINT" if self.optional else "UBIGINT NOT NULL"

    def empty(self) -> Vectors:
        """One array."""
        return (np.zeros(0, np.uint64),)

    def to_arrow(self, vectors: Vectors) -> Any:
        """NULL for none."""
        return pa.array(vectors[0], mask=vectors[0] == 0) if self.optional else vectors[0]

    def from_arrow(self, column: pa.Array) -> Vectors:
        """0 for NULL."""
        return ((column.fill_null(0) if self.optional else column).to_numpy(),)

    def words(self, vectors: Vectors) -> list[UInt64Array]:
        """The ids."""
        return [vectors[0]]

    def to_rows(self, vectors: Vectors) -> list[Any]:
        """16 hex digits."""
        none = vectors[0] == 0 if self.optional else None
        rows: list[Any] = format_hex([vectors[0]], null=none).to_pylist()
        return rows


@dataclass(frozen=True, slots=True)
class TraceIds:
    """128-bit ids: two words in memory, 32 hex digits elsewhere, which repeat row after row."""

    @property
    def sql(self) -> str:
        """Never NULL."""
        return "VARCHAR NOT NULL"

    def empty(self) -> Vectors:
        """Two arrays."""
        return (np.zeros(0, np.uint64), np.zeros(0, np.uint64))

    def to_arrow(self, vectors: Vectors) -> Any:
        """A dictionary array, with a text for each run of rows that have the same id."""
        begins = np.ones(len(vectors[0]), np.bool_)
        begins[1:] = np.logical_or.reduce([word[1:] != word[:-1] for word in vectors])
        codes = np.cumsum(begins, dtype=np.int32) - np.int32(1)
        return pa.DictionaryArray.from_arrays(codes, format_hex([word[begins] for word in vectors]))

    def from_arrow(self, column: pa.Array) -> Vectors:
        """The higher word first, from plain or dictionary-encoded text."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        words, _ = parse_hex(column, digits=32)
        return words

    def words(self, vectors: Vectors) -> list[UInt64Array]:
        """The higher word first."""
        return list(vectors)

    def to_rows(self, vectors: Vectors) -> list[Any]:
        """32 hex digits."""
        rows: list[Any] = format_hex(list(vectors)).to_pylist()
        return rows


@dataclass(frozen=True, slots=True)
class CodedTexts:
    """Text of which few values are distinct."""

    @property
    def sql(self) -> str:
        """Never NULL."""
        return "VARCHAR NOT NULL"

    def empty(self) -> Vectors:
        """No codes and no values."""
        return (Texts(np.zeros(0, np.int32), ()),)

    def to_arrow(self, vectors: Vectors) -> Any:
        """A dictionary array."""
        return vectors[0].to_arrow()

    def from_arrow(self, column: pa.Array) -> Vectors:
        """From plain or dictionary-encoded text."""
        return (Texts.from_arrow(column),)

    def words(self, vectors: Vectors) -> list[UInt64Array]:
        """A hash of each text, whatever its code is."""
        texts: Texts = vectors[0]
        if not texts.values:
            return [np.zeros(len(texts.codes), np.uint64)]
        distinct = [
            int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), "little")
            for value in texts.values
        ]
        return [np.array(distinct, np.uint64)[texts.codes]]

    def to_rows(self, vectors: Vectors) -> list[Any]:
        """The texts."""
        texts: Texts = vectors[0]
        return [texts.values[code] for code in texts.codes.tolist()]
