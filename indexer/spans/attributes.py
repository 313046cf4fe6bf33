"""Values of promoted attributes, side by side, and what one file has given of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.spans.identifiers import BoolArray, UInt64Array, format_hex
from indexer.system import arrow_compute as pc

LLM_FLAG = 1 << 31
"""The bit of ``trace_files.attribute_flags`` that says: some row of the trace is an LLM call."""
_GEN_AI = "gen_ai."
_LLM_KINDS = {
    "openinference.span.kind": ("LLM",),
    "langfuse.observation.type": ("GENERATION", "generation"),
    "langsmith.span.kind": ("llm", "LLM"),
}
"""Attributes that name the kind of each span, with the kinds that are LLM calls."""


def tells_llm_calls(key: str) -> bool:
    """Whether values of the attribute tell an LLM call.

    OpenTelemetry's semantic conventions put every ``gen_ai.*`` attribute on spans of generative
    AI alone; OpenInference, Langfuse and LangSmith name the kind of each span.
    """
    return key in _LLM_KINDS or key.startswith(_GEN_AI)


def llm_values(key: str) -> tuple[str, ...] | None:
    """The values of an attribute that tell an LLM call; None for any that is not empty."""
    return _LLM_KINDS.get(key)


def llm_calls(keys: Sequence[str], key: npt.NDArray[np.int8], value: pa.Array) -> BoolArray:
    """Which values say that their span is an LLM call; ``key`` is each one's place in ``keys``."""
    generative = np.array([one.startswith(_GEN_AI) for one in keys], np.bool_)
    said: BoolArray = generative[key] & pc.not_equal(value, "").to_numpy(zero_copy_only=False)
    for name, kinds in _LLM_KINDS.items():
        if name in keys:
            is_llm = pc.is_in(value, value_set=pa.array(kinds, value.type))
            said |= (key == keys.index(name)) & is_llm.to_numpy(zero_copy_only=False)
    return said


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttributeValues:
    """One element a value, in order of place, then key. Rows without a real trace_id have none."""

    row: npt.NDArray[np.int32]
    position: npt.NDArray[np.int32]
    """In the row, as ``SpanColumns`` has it."""
    key: npt.NDArray[np.int8]
    """Position among the keys that were asked for."""
    value: pa.Array
    trace_hi: UInt64Array
    trace_lo: UInt64Array
    is_llm: BoolArray
    """The value says that its span is an LLM call."""

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def none(cls) -> "AttributeValues":
        """No value at all."""
        return cls(
            row=np.zeros(0, np.int32),
            position=np.zeros(0, np.int32),
            key=np.zeros(0, np.int8),
            value=pa.array([], pa.string()),
            trace_hi=np.zeros(0, np.uint64),
            trace_lo=np.zeros(0, np.uint64),
            is_llm=np.zeros(0, np.bool_),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotedFile:
    """What reading one registered file for some keys came to."""

    file_id: int
    key_ids: tuple[int, ...]
    """Number in the catalog of each key that was asked for."""
    values: AttributeValues | IndexerError
    """Its values, or why it will never give any."""

    @property
    def is_refused(self) -> bool:
        """Whether it gives none of them."""
        return isinstance(self.values, IndexerError)

    def state_rows(self) -> pa.Table:
        """Rows of ``file_attributes``: one a key, whether or not the file has values of it."""
        count = len(self.key_ids)
        error = self.values if isinstance(self.values, IndexerError) else None
        counts = np.zeros(count, np.int64)
        if not isinstance(self.values, IndexerError):
            counts = np.bincount(self.values.key, minlength=count)
        return pa.table(
            {
                "file_id": pa.array([self.file_id] * count, pa.int32()),
                "key_id": pa.array(self.key_ids, pa.int8()),
                "value_count": pa.array(counts, pa.int64()),
                "error_type": pa.array([error and error.error_type] * count, pa.string()),
                "error_message": pa.array([error and error.message] * count, pa.string()),
            }
        )

    def value_rows(self) -> pa.Table | None:
        """Rows of ``indexed_attributes``; None when there are none."""
        values = self.values
        if isinstance(values, IndexerError) or not len(values):
            return None
        return pa.table(
            {
                "file_id": np.full(len(values), self.file_id, np.int32),
                "file_row_number": values.row,
                "position_in_row": values.position,
                "key_id": self._numbers(values),
                "value": values.value,
            }
        )

    def flag_rows(self) -> pa.Table | None:
        """(file_id, trace_id, flags): the bits of all keys that some row of a trace has.

        And ``LLM_FLAG`` where one of them says so.
        """
        values = self.values
        if isinstance(values, IndexerError) or not len(values):
            return None
        bits = np.left_shift(np.uint32(1), self._numbers(values).astype(np.uint32))
        bits |= np.where(values.is_llm, np.uint32(LLM_FLAG), np.uint32(0))
        order = np.lexsort((values.trace_lo, values.trace_hi))
        high, low = values.trace_hi[order], values.trace_lo[order]
        changes = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        first = np.concatenate([[0], np.flatnonzero(changes) + 1])
        return pa.table(
            {
                "file_id": np.full(len(first), self.file_id, np.int32),
                "trace_id": format_hex([high[first], low[first]]),
                "flags": np.bitwise_or.reduceat(bits[order], first).astype(np.uint32),
            }
        )

    def _numbers(self, values: AttributeValues) -> npt.NDArray[np.int8]:
        numbers: npt.NDArray[np.int8] = np.array(self.key_ids, np.int8)[values.key]
        return numbers
