"""Where the spans of each trace are among those of some requests, and a few of them as values."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.hot.decoding import Decoder, table_rows
from indexer.hot.held_requests import Bodies, Rows
from indexer.hot.request_outline import RequestOutline
from indexer.hot.trace_places import TracePlaces
from indexer.otlp.span_groups import SpanGroup
from indexer.otlp.span_rows import SpanRow
from indexer.spans.identity import SpanKeys

FEW_SPANS = 64
"""Decoded as values: as columns they take 3 ms, however few they are, and as values 40 us each."""
FEW_BYTES = 64 * 1024
"""Of them, as they came or as columns: a kilobyte a span."""
_LONG = ("name", "attributes", "events", "links")
"""Columns of which one span may have much; the others are bounded, or shared."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpanPlaces:
    """Spans with an identity are numbered in order, and their rows are once they are decoded."""

    held: Bodies | Rows
    """Of which this is."""
    spans: TracePlaces
    outlines: Sequence[RequestOutline] = ()
    """Of each request that is not decoded."""
    ends: Sequence[int] = ()
    """The spans of each of them end before."""

    @classmethod
    def of_bodies(cls, held: Bodies) -> "SpanPlaces":
        """Of requests as they came. Raises InvalidOtlp."""
        outlines = [RequestOutline.of(body) for body in held.bodies]
        return cls(
            held=held,
            spans=TracePlaces.of(_joined_keys(outlines)),
            outlines=outlines,
            ends=list(accumulate(map(len, outlines))),
        )

    def identities(self) -> SpanKeys:
        """Of the spans of undecoded requests, in order."""
        return _joined_keys(self.outlines)

    def by_request(self, numbers: Sequence[int]) -> dict[int, list[int]]:
        """Spans of undecoded requests by request, numbered in it."""
        found: dict[int, list[int]] = {}
        for number in numbers:
            request = bisect_right(self.ends, number)
            first = self.ends[request - 1] if request else 0
            found.setdefault(request, []).append(number - first)
        return found

    def few(self, decoder: Decoder, trace_id: str, key: int) -> list[SpanRow] | None:
        """Those of a trace, which has this ``place_key``; None where they are many."""
        numbers = self.spans.find(key)
        if not numbers:
            return []
        if len(numbers) > FEW_SPANS:
            return None
        held = self.held
        if isinstance(held, Rows):
            some = _taken(held.table, numbers)
            size = sum(some[name].nbytes for name in _LONG if name in some.column_names)
            rows = None if size > FEW_BYTES else table_rows(some)
        else:
            groups = self._cut(held, numbers)
            rows = None if groups is None else decoder.few(groups)
        return None if rows is None else [row for row in rows if row["trace_id"] == trace_id]

    def _cut(self, held: Bodies, numbers: Sequence[int]) -> list[SpanGroup] | None:
        """Out of the requests, whose other spans are not looked at."""
        groups: list[SpanGroup] = []
        size = 0
        for request, own in self.by_request(numbers).items():
            outline = self.outlines[request]
            more = outline.size(own)
            if more is None or size + more > FEW_BYTES:
                return None
            size += more
            groups += outline.cut(held.bodies[request], own)
        return groups


def _joined_keys(outlines: Sequence[RequestOutline]) -> SpanKeys:
    return SpanKeys.joined([one.keys for one in outlines])


def _taken(table: pa.Table, numbers: Sequence[int]) -> pa.Table:
    """Some rows; those of a trace stand side by side mostly, and then nothing is copied."""
    if isinstance(numbers, range):
        return table.slice(numbers.start, len(numbers))
    return table.take(pa.array(numbers, pa.int64()))
