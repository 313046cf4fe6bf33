"""What identifies each span of serialised requests, as numbers: no row is made for it."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp
from indexer.otlp.portions import portions
from indexer.otlp.requests import has_identity
from indexer.otlp.rows.span_fields import KIND, SPAN_ID, TRACE_ID, SpanFields
from indexer.otlp.rows.values import INT_MAX
from indexer.otlp.rows.wire_walk import Unusual
from indexer.otlp.span_groups import span_groups

_WORDS = np.dtype(">u8")


@dataclass(frozen=True, slots=True, eq=False)
class Identities:
    """Of some spans; those without a valid trace_id and span_id are left out."""

    trace_high: npt.NDArray[np.uint64]
    trace_low: npt.NDArray[np.uint64]
    span: npt.NDArray[np.uint64]
    kind: npt.NDArray[np.int64]
    """As it was sent."""
    number: npt.NDArray[np.int64]
    """Which of all spans, from 0."""


def span_identities(bodies: Sequence[bytes]) -> Identities:
    """Of serialised ExportTraceServiceRequests, in order. Raises InvalidOtlp."""
    whole = chain.from_iterable(map(portions, bodies))
    groups = chain.from_iterable(map(span_groups, whole))
    return identities_of([span for group in groups for span in group.spans])


def identities_of(spans: Sequence[bytes]) -> Identities:
    """Of serialised spans, in order. Raises InvalidOtlp."""
    try:
        return _read(SpanFields(spans))
    except Unusual:
        return _parsed(spans)


def _read(found: SpanFields) -> Identities:
    traces, spans = found.ids(TRACE_ID, 16), found.ids(SPAN_ID, 8)
    is_valid = traces.any(axis=1) & spans.any(axis=1)
    traces, kind = traces[is_valid], found.numbers(KIND, INT_MAX)[is_valid]
    number = np.flatnonzero(is_valid)
    return Identities(traces[:, 0], traces[:, 1], spans[is_valid, 0], kind, number)


def _parsed(serialised: Sequence[bytes]) -> Identities:
    try:
        every = [Span.FromString(one) for one in serialised]
    except DecodeError as error:
        raise InvalidOtlp(f"invalid span: {error}") from error
    numbers = [at for at, span in enumerate(every) if has_identity(span)]
    spans = [every[at] for at in numbers]
    traces = np.frombuffer(b"".join(span.trace_id for span in spans), _WORDS).reshape(-1, 2)
    ids = np.frombuffer(b"".join(span.span_id for span in spans), _WORDS)
    return Identities(
        traces[:, 0].astype(np.uint64),
        traces[:, 1].astype(np.uint64),
        ids.astype(np.uint64),
        np.array([span.kind for span in spans], np.int64),
        np.array(numbers, np.int64),
    )
