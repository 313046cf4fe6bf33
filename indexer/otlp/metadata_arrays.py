"""What spans of serialised requests are, as arrays: no row is made for it, nor text of an ID.

It is of ordinary requests, which nearly all are: of any other one a table says the same.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.otlp.portions import portions
from indexer.otlp.rows.span_fields import (
    END,
    KIND,
    NAME,
    PARENT_ID,
    SPAN_ID,
    START,
    TRACE_ID,
    SpanFields,
)
from indexer.otlp.rows.values import INT_MAX
from indexer.otlp.rows.wire_walk import Unusual
from indexer.otlp.span_columns import KIND_MAX, STATUS_MAX, known_numbers, times
from indexer.otlp.spans import Portion, portions_of_requests

TEXT_BYTES_MAX = 1_024
"""Of a name or a service that is ordinary: no reader cuts it."""

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class MetadataArrays:
    """Of the spans with a valid trace_id and span_id, in order."""

    trace_high: Words
    trace_low: Words
    span: Words
    parent: Words
    """0 for none."""
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    status: npt.NDArray[np.int8]
    kind: npt.NDArray[np.int8]
    service: pa.DictionaryArray
    name: pa.DictionaryArray


def metadata_arrays(bodies: Sequence[bytes]) -> MetadataArrays | None:
    """Of serialised ExportTraceServiceRequests; None where something is not ordinary.

    Raises InvalidOtlp.
    """
    whole = chain.from_iterable(map(portions, bodies))
    found = list(portions_of_requests(whole))
    try:
        return _arrays(found)
    except Unusual:
        return None


def _arrays(found: Sequence[Portion]) -> MetadataArrays:
    groups = [group for some, _ in found for group in some]
    spans = [span for _, some in groups for span in some]
    fields = SpanFields(spans)
    traces, ids, parents = fields.ids(TRACE_ID, 16), fields.ids(SPAN_ID, 8), _parents(fields)
    kept = np.flatnonzero(traces.any(axis=1) & ids.any(axis=1))
    said = times(fields.fixed(START, "<u8"), fields.fixed(END, "<u8"))
    services = [origin.service_name for origin, _ in groups]
    of_group = np.repeat(np.arange(len(groups), dtype=np.int32), [len(some) for _, some in groups])
    service = pa.array(services, pa.string()).dictionary_encode()
    return MetadataArrays(
        trace_high=traces[kept, 0],
        trace_low=traces[kept, 1],
        span=ids[kept, 0],
        parent=parents[kept],
        start=said["start_time"][kept],
        end=said["end_time"][kept],
        status=known_numbers(fields.status()[0], STATUS_MAX)[kept],
        kind=known_numbers(fields.numbers(KIND, INT_MAX), KIND_MAX)[kept],
        service=_ordinary(service.take(pa.array(of_group[kept]))),
        name=_ordinary(fields.texts(NAME).take(pa.array(kept)).dictionary_encode()),
    )


def _parents(fields: SpanFields) -> Words:
    """Raises Unusual for an ID of another size, which readers may take for one all the same."""
    if fields.has_other_size(PARENT_ID, 8):
        raise Unusual
    parents: Words = fields.ids(PARENT_ID, 8)[:, 0]
    return parents


def _ordinary(texts: pa.DictionaryArray) -> pa.DictionaryArray:
    """Raises Unusual for a text that a reader may cut."""
    if any(len(text.encode()) > TEXT_BYTES_MAX for text in texts.dictionary.to_pylist()):
        raise Unusual
    return texts
