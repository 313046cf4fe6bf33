"""The identity of hot spans: real ids in one spelling, and all of it as integers. Pure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.spans.id_spellings import SPAN_DIGITS, TRACE_DIGITS, parse_ids, parse_span_id
from indexer.spans.identifiers import BoolArray, format_hex, parse_hex
from indexer.spans.identity import SpanKeys

if TYPE_CHECKING:  # tables need no protobuf
    from indexer.otlp.span_ids import Identities


def keys_of(table: pa.Table) -> SpanKeys:
    """The identities of the rows of an identified table."""
    (high, low), _ = parse_hex(_bytes(table["trace_id"]), digits=32)
    (span,), _ = parse_hex(_bytes(table["span_id"]), digits=16)
    return SpanKeys(high, low, span, _kinds(table))


def keys_of_requests(bodies: Sequence[bytes]) -> SpanKeys:
    """The identities of the spans of serialised requests, without rows. Raises InvalidOtlp."""
    from indexer.otlp.span_ids import span_identities  # noqa: PLC0415 - tables need no protobuf

    return keys_of_identities(span_identities(bodies))


def keys_of_identities(found: "Identities") -> SpanKeys:
    """The same of identities as they were sent."""
    return SpanKeys(found.trace_high, found.trace_low, found.span, _small(found.kind))


def identified_rows(table: pa.Table) -> tuple[pa.Table, BoolArray]:
    """The rows with a real identity, ids in lowercase hex, and which rows those are.

    The index rejects the same rows of a file. A parent with an invalid ID is none.
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


def identified_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same of one row as values, whose own IDs are real."""
    parent = row["parent_span_id"]
    return {**row, "parent_span_id": None if parent is None else parse_span_id(parent)}


def _kinds(table: pa.Table) -> npt.NDArray[np.int8]:
    """As the index has them: absent is 0, and so is what no int8 holds."""
    if "span_kind" not in table.column_names:
        return np.zeros(table.num_rows, np.int8)
    return _small(table["span_kind"].fill_null(0).to_numpy())


def _small(kinds: Any) -> npt.NDArray[np.int8]:
    kinds = np.where((kinds < 0) | (kinds > np.iinfo(np.int8).max), 0, kinds)
    small: npt.NDArray[np.int8] = kinds.astype(np.int8)
    return small


def _bytes(column: pa.ChunkedArray) -> pa.Array:
    """One contiguous array, whatever the text's type."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    column = column.cast(pa.binary())
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
