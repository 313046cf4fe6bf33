"""Spans as plain Python values beside ``SpanColumns``, so that an oracle can be a few lines.

The columns are fast because they are arrays; the oracles are believable because they are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from indexer.spans.columns import SpanColumns
from indexer.spans.texts import Texts
from tests.support.examples import examples

WORD = (1 << 64) - 1
TIME_MAX = (1 << 63) - 1

thorough = examples(40)
"""How the properties of this room are searched; never by the clock."""


@dataclass(frozen=True, kw_only=True)
class PlainSpan:
    """One span; ``trace`` is the whole 128-bit id and ``parent`` 0 means root."""

    slot: int = 0
    row: int = 0
    position: int = 0
    trace: int = 1
    span: int = 1
    parent: int = 0
    start: int = 0
    duration: int = 0
    status: int = 0
    kind: int = 0
    service: str = "shop"
    name: str = "GET /"

    @property
    def identity(self) -> tuple[int, int, int, int]:
        return (self.slot, self.trace, self.span, self.kind)

    @property
    def place(self) -> tuple[int, int]:
        return (self.row, self.position)

    @property
    def end(self) -> int:
        return self.start + self.duration


def columns_of(spans: Sequence[PlainSpan], *, unused: tuple[str, ...] = ()) -> SpanColumns:
    """The same spans as arrays; ``unused`` texts stand in the value lists and in no row."""
    return SpanColumns(
        slot=np.array([span.slot for span in spans], np.int32),
        row=np.array([span.row for span in spans], np.int32),
        position=np.array([span.position for span in spans], np.int32),
        trace_hi=np.array([span.trace >> 64 for span in spans], np.uint64),
        trace_lo=np.array([span.trace & WORD for span in spans], np.uint64),
        span_id=np.array([span.span for span in spans], np.uint64),
        parent_span_id=np.array([span.parent for span in spans], np.uint64),
        start=np.array([span.start for span in spans], np.int64),
        duration=np.array([span.duration for span in spans], np.int64),
        status=np.array([span.status for span in spans], np.int8),
        kind=np.array([span.kind for span in spans], np.int8),
        service=texts_of([span.service for span in spans], unused),
        name=texts_of([span.name for span in spans], unused),
    )


def texts_of(texts: Sequence[str], unused: tuple[str, ...] = ()) -> Texts:
    values = dict.fromkeys([*unused, *texts])
    code = {value: index for index, value in enumerate(values)}
    return Texts(np.array([code[text] for text in texts], np.int32), tuple(values))


def plain(columns: SpanColumns) -> list[PlainSpan]:
    """The arrays as values again, element by element."""
    return [
        PlainSpan(
            slot=int(columns.slot[at]),
            row=int(columns.row[at]),
            position=int(columns.position[at]),
            trace=int(columns.trace_hi[at]) << 64 | int(columns.trace_lo[at]),
            span=int(columns.span_id[at]),
            parent=int(columns.parent_span_id[at]),
            start=int(columns.start[at]),
            duration=int(columns.duration[at]),
            status=int(columns.status[at]),
            kind=int(columns.kind[at]),
            service=columns.service.values[columns.service.codes[at]],
            name=columns.name.values[columns.name.codes[at]],
        )
        for at in range(len(columns))
    ]


def numbered(spans: Sequence[PlainSpan], *, spans_a_row: int = 1) -> list[PlainSpan]:
    """The spans in rows 0, 1, 2, ... of each slot, as a file has them."""
    following: dict[int, int] = {}
    rows = []
    for span in spans:
        number = following.get(span.slot, 0)
        following[span.slot] = number + 1
        row, position = divmod(number, spans_a_row)
        rows.append(replace(span, row=row, position=position))
    return rows


# Few values, so that traces meet, spans repeat and texts tie; the wide ones reach every bit.
_halves = st.sampled_from([0, 1, 2, 1 << 15, 1 << 16, 1 << 63, WORD]) | st.integers(0, WORD)
_times = st.sampled_from([0, 1, 2, TIME_MAX]) | st.integers(0, TIME_MAX)


@st.composite
def _spans(draw: st.DrawFn) -> PlainSpan:
    start, end = draw(_times), draw(_times)
    return PlainSpan(
        slot=draw(st.integers(0, 3)),
        trace=(draw(_halves) << 64 | draw(_halves)) or 1,
        span=draw(st.integers(1, 4) | st.integers(1, WORD)),
        parent=draw(st.sampled_from([0, 0, 1, WORD])),
        start=start,
        duration=end - start,
        status=draw(st.integers(0, 3)),
        kind=draw(st.sampled_from([0, 1, 2, 127])),
        service=draw(st.sampled_from(["", "shop", "straße", "🛒"])),
        name=draw(st.sampled_from(["", "GET /", "POST /", "ключ"])),
    )


def span_lists(*, max_size: int = 40) -> st.SearchStrategy[list[PlainSpan]]:
    """Spans of up to four files, in order of place inside each, the files interleaved."""
    return st.builds(
        lambda spans, spans_a_row: numbered(spans, spans_a_row=spans_a_row),
        st.lists(_spans(), max_size=max_size),
        st.sampled_from([1, 1, 3]),
    )
