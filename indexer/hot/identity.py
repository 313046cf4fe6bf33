"""The identity of hot spans: real (trace_id, span_id) in one spelling, and as integers. Pure."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from indexer.spans.id_spellings import SPAN_DIGITS, TRACE_DIGITS, parse_ids
from indexer.spans.identifiers import BoolArray, UInt64Array, format_hex, parse_hex

_MIX = [np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)]


@dataclass(frozen=True, slots=True, eq=False)
class SpanKeys:
    """Identities as parallel arrays, 24 bytes each."""

    trace_hi: UInt64Array
    trace_lo: UInt64Array
    span_id: UInt64Array

    def __len__(self) -> int:
        return len(self.span_id)

    @classmethod
    def empty(cls) -> "SpanKeys":
        """None."""
        none = np.zeros(0, np.uint64)
        return cls(none, none, none)

    @classmethod
    def of(cls, table: pa.Table) -> "SpanKeys":
        """Of the rows of an identified table."""
        (high, low), _ = parse_hex(_bytes(table["trace_id"]), digits=32)
        (span,), _ = parse_hex(_bytes(table["span_id"]), digits=16)
        return cls(high, low, span)

    @property
    def hashes(self) -> UInt64Array:
        """64 bits an identity: equal identities have equal ones."""
        trace = (self.trace_hi * _MIX[0]) ^ self.trace_lo
        return (trace * _MIX[1]) ^ (self.span_id * _MIX[2])

    def take(
        self, chosen: "BoolArray | np.ndarray[tuple[int], np.dtype[np.intp]] | slice"
    ) -> "SpanKeys":
        """Some of them, by position, mask or slice."""
        return SpanKeys(self.trace_hi[chosen], self.trace_lo[chosen], self.span_id[chosen])

    def then(self, others: "SpanKeys") -> "SpanKeys":
        """These and others."""
        return SpanKeys(
            np.concatenate([self.trace_hi, others.trace_hi]),
            np.concatenate([self.trace_lo, others.trace_lo]),
            np.concatenate([self.span_id, others.span_id]),
        )

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
            }
        )


def identified(table: pa.Table) -> tuple[pa.Table, BoolArray]:
    """The rows with a real identity, ids in lowercase hex, and which rows those are.

    The index rejects the same rows of a file. A parent that is no id is none.
    """
    traces = parse_ids(_bytes(table["trace_id"]), digits=TRACE_DIGITS)
    spans = parse_ids(_bytes(table["span_id"]), digits=SPAN_DIGITS)
    parents = parse_ids(_bytes(table["parent_span_id"]), digits=SPAN_DIGITS)
    spelled = {
        "trace_id": format_hex(traces.words),
        "span_id": format_hex(spans.words),
        "parent_span_id": format_hex(parents.words, null=~parents.valid),
    }
    for name, ids in spelled.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at).with_type(pa.string()), ids)
    valid = traces.valid & spans.valid
    return (table if valid.all() else table.filter(pa.array(valid))), valid


def _bytes(column: pa.ChunkedArray) -> pa.Array:
    """One contiguous array, whatever the text's type."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    column = column.cast(pa.binary())
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
