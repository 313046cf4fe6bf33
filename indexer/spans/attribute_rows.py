"""Rows of the catalog for what files have given of their attributes, of all files at once.

A table for each of 5,000 files of 500 spans took as long as to insert their values.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.spans.attributes import LLM_FLAG, AttributeValues, PromotedFile
from indexer.spans.identifiers import format_hex

_Kind = TypeVar("_Kind", bound=np.generic)


def state_rows(files: Sequence[PromotedFile]) -> pa.Table:
    """Rows of ``file_attributes``: one a file and key, whether or not the file has values of it."""
    errors = [file.values if isinstance(file.values, IndexerError) else None for file in files]
    counts = [
        [0] * len(file.key_ids)
        if isinstance(file.values, IndexerError)
        else np.bincount(file.values.key, minlength=len(file.key_ids))
        for file in files
    ]
    keys = [len(file.key_ids) for file in files]
    places = pa.array(np.repeat(np.arange(len(files)), keys))
    types = pa.array([error and error.error_type for error in errors], pa.string())
    messages = pa.array([error and error.message for error in errors], pa.string())
    return pa.table(
        {
            "file_id": np.repeat(np.array([file.file_id for file in files], np.int32), keys),
            "key_id": np.array([id_ for file in files for id_ in file.key_ids], np.int8),
            "value_count": np.concatenate([np.zeros(0, np.int64), *counts]).astype(np.int64),
            "error_type": types.take(places),
            "error_message": messages.take(places),
        }
    )


def value_rows(files: Sequence[PromotedFile]) -> pa.Table:
    """Rows of ``indexed_attributes``."""
    given = _given(files)
    return pa.table(
        {
            "file_id": given.file_ids,
            "file_row_number": given.of_all(lambda one: one.row, np.int32),
            "position_in_row": given.of_all(lambda one: one.position, np.int32),
            "key_id": given.numbers,
            "value": pa.chunked_array([one.value for one in given.values], pa.string()),
        }
    ).combine_chunks()


def flag_rows(files: Sequence[PromotedFile]) -> pa.Table:
    """(file_id, trace_id, flags): the bits of all keys that some row of a trace has.

    And ``LLM_FLAG`` where one of them says so.
    """
    given = _given(files)
    high = given.of_all(lambda one: one.trace_hi, np.uint64)
    low = given.of_all(lambda one: one.trace_lo, np.uint64)
    bits = np.left_shift(np.uint32(1), given.numbers.astype(np.uint32))
    is_llm = given.of_all(lambda one: one.is_llm, np.bool_)
    bits |= np.where(is_llm, np.uint32(LLM_FLAG), np.uint32(0))
    order = given.by_trace()
    high, low = high[order], low[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    begins[given.starts] = True
    first = np.flatnonzero(begins)
    flags = np.bitwise_or.reduceat(bits[order], first) if len(first) else bits
    return pa.table(
        {
            "file_id": given.file_ids[first],
            "trace_id": format_hex([high[first], low[first]]),
            "flags": flags.astype(np.uint32),
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """The values of all files that have some, one file after the other."""

    values: tuple[AttributeValues, ...]
    starts: npt.NDArray[np.int64]
    """Of each file's values among all."""
    file_ids: npt.NDArray[np.int32]
    """Of each value, as all below."""
    numbers: npt.NDArray[np.int8]
    """Of its key in the catalog."""

    def of_all(
        self, column: Callable[[AttributeValues], npt.NDArray[_Kind]], kind: type[_Kind]
    ) -> npt.NDArray[_Kind]:
        """A column of all values."""
        return np.concatenate([np.zeros(0, kind), *map(column, self.values)])

    def by_trace(self) -> npt.NDArray[np.int64]:
        """The places of all values, those of one file and trace side by side."""
        of_files = (
            np.lexsort((one.trace_lo, one.trace_hi)) + start
            for one, start in zip(self.values, self.starts, strict=True)
        )
        return np.concatenate([np.zeros(0, np.int64), *of_files])


def _given(files: Sequence[PromotedFile]) -> _Given:
    having = [
        (file, file.values)
        for file in files
        if not isinstance(file.values, IndexerError) and len(file.values)
    ]
    counts = np.array([len(values) for _, values in having], np.int64)
    numbers = [np.array(file.key_ids, np.int8)[values.key] for file, values in having]
    return _Given(
        values=tuple(values for _, values in having),
        starts=np.cumsum(counts) - counts,
        file_ids=np.repeat(np.array([file.file_id for file, _ in having], np.int32), counts),
        numbers=np.concatenate([np.zeros(0, np.int8), *numbers]),
    )
