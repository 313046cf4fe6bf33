"""What a footer says that all rows of a column chunk have, so that none of its pages is read. Pure.

Most columns of a span are empty, or alike in all rows of a file. The least and the greatest value
of a chunk are in the footer (parquet.thrift, ``Statistics``), with whether they are exact and how
many rows have none. It is taken from one writer alone: others have cut texts short and counted no
rows without a value.
"""

from collections.abc import Mapping
from typing import Any

from indexer.deferred_dataclass import dataclass

CONSTANT_BYTES_MAX = 512
"""Of a value that is kept because all rows have it."""
WRITER = b"parquet-cpp-arrow version "
"""Of pyarrow and of our own files; it says so of values since its version 21."""

_INT32, _INT64, _BYTE_ARRAY = 1, 2, 6  # Type
_REQUIRED = 0  # FieldRepetitionType
_UNSIGNED = frozenset({11, 12, 13, 14})  # ConvertedType
_NUMBER_BYTES = {_INT32: 4, _INT64: 8}
_VALUE_COUNT, _STATISTICS = 5, 12  # ColumnMetaData
_NULL_COUNT, _GREATEST, _LEAST, _GREATEST_IS_EXACT, _LEAST_IS_EXACT = 3, 5, 6, 7, 8  # Statistics


@dataclass(frozen=True, slots=True)
class Constant:
    """What every row of a column chunk has: most columns of a writer are empty, or all alike."""

    value: Any
    """As it is stored, text as bytes; None for no value."""


def constant_of(
    metadata: Mapping[int, Any],
    row_count: int,
    *,
    physical_type: int,
    converted_type: int | None,
    repetition: int,
) -> Constant | None:
    """By the ColumnMetaData of a flat column; None where it does not say so."""
    statistics = metadata.get(_STATISTICS)
    if not isinstance(statistics, dict) or metadata.get(_VALUE_COUNT) != row_count or not row_count:
        return None
    null_count = statistics.get(_NULL_COUNT, 0 if repetition == _REQUIRED else None)
    if null_count == row_count:
        return Constant(None)
    least, greatest = statistics.get(_LEAST), statistics.get(_GREATEST)
    is_exact = statistics.get(_LEAST_IS_EXACT) is True is statistics.get(_GREATEST_IS_EXACT)
    if null_count != 0 or not is_exact or least != greatest or not isinstance(least, bytes):
        return None
    if physical_type == _BYTE_ARRAY:
        return Constant(least) if len(least) <= CONSTANT_BYTES_MAX else None
    if len(least) != _NUMBER_BYTES.get(physical_type):
        return None
    is_signed = converted_type not in _UNSIGNED
    return Constant(int.from_bytes(least, "little", signed=is_signed))
