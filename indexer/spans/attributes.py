"""Values of promoted attributes, side by side, and what one file has given of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.spans.identifiers import BoolArray, UInt64Array
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
