"""A text column as codes into a list of distinct values: what repeats is stored and hashed once."""

from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.identity import Index


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """One code a row; its text is ``values[code]``."""

    codes: npt.NDArray[np.int32]
    values: tuple[str, ...]

    def take(self, index: Index) -> "Texts":
        """The chosen rows; the values stay shared."""
        return Texts(self.codes[index], self.values)

    def to_arrow(self) -> pa.Array:
        """A dictionary array, which DuckDB reads without copying the text."""
        return pa.DictionaryArray.from_arrays(self.codes, pa.array(self.values, pa.string()))

    @classmethod
    def from_arrow(cls, column: pa.Array) -> Self:
        """From a string or dictionary array without nulls."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        codes = column.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
        return cls(codes, tuple(column.dictionary.to_pylist()))
