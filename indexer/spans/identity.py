"""What makes two rows one span: trace id, span id and kind, wherever spans are compared.

The kind belongs to it because Zipkin's shared spans are a client's and a server's under one id,
and both are data; two copies of one have all three in common.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.identifiers import BoolArray, UInt64Array, format_hex

Identity = tuple[int, int, int, int]
"""(trace high, trace low, span, kind)."""
Index = npt.NDArray[np.intp] | BoolArray | slice

_MIXERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_MIX = [np.uint64(one) for one in _MIXERS]
_WORD = (1 << 64) - 1


def trace_keys(trace_hi: UInt64Array, trace_lo: UInt64Array) -> UInt64Array:
    """64 bits that stand for a trace id, of its two words: equal ids have equal keys."""
    return (trace_hi * _MIX[0]) ^ trace_lo


def trace_key(trace_hi: int, trace_lo: int) -> int:
    """The same of one trace, without arrays of one."""
    return ((trace_hi * _MIXERS[0]) & _WORD) ^ trace_lo


@dataclass(frozen=True, slots=True, eq=False)
class SpanKeys:
    """Identities as parallel arrays, 25 bytes each. ``kind`` is as the index has it, 0 to 127."""

    trace_hi: UInt64Array
    trace_lo: UInt64Array
    span_id: UInt64Array
    kind: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.span_id)

    @classmethod
    def empty(cls) -> "SpanKeys":
        """None."""
        none = np.zeros(0, np.uint64)
        return cls(none, none, none, np.zeros(0, np.int8))

    @property
    def trace_key(self) -> UInt64Array:
        """64 bits a trace ID: equal IDs have equal ones."""
        return trace_keys(self.trace_hi, self.trace_lo)

    @property
    def hashes(self) -> UInt64Array:
        """64 bits an identity: equal identities have equal ones."""
        spans = (self.span_id * _MIX[2]) ^ (self.kind.astype(np.uint64) * _MIX[0])
        return (self.trace_key * _MIX[1]) ^ spans

    def exact(self, position: int) -> Identity:
        """The identity behind one hash."""
        return (
            int(self.trace_hi[position]),
            int(self.trace_lo[position]),
            int(self.span_id[position]),
            int(self.kind[position]),
        )

    def take(self, chosen: Index) -> "SpanKeys":
        """Some of them, by position, mask or slice."""
        return SpanKeys(
            self.trace_hi[chosen], self.trace_lo[chosen], self.span_id[chosen], self.kind[chosen]
        )

    @classmethod
    def joined(cls, parts: Sequence["SpanKeys"]) -> "SpanKeys":
        """Those of all parts, in order."""
        every = [cls.empty(), *parts]
        return cls(
            np.concatenate([one.trace_hi for one in every]),
            np.concatenate([one.trace_lo for one in every]),
            np.concatenate([one.span_id for one in every]),
            np.concatenate([one.kind for one in every]),
        )

    def concat(self, others: "SpanKeys") -> "SpanKeys":
        """These and others."""
        return SpanKeys.joined([self, others])

    def trace_ids(self) -> list[str]:
        """Lowercase hex, one a span."""
        found: list[str] = format_hex([self.trace_hi, self.trace_lo]).to_pylist()
        return found

    def to_arrow(self) -> pa.Table:
        """As the index names and types them."""
        return pa.table(
            {
                "trace_id": format_hex([self.trace_hi, self.trace_lo]),
                "span_id_uint64": self.span_id,
                "span_kind": self.kind,
            }
        )
