"""A few spans as rows of values: what ``span_table`` says of them, without a table.

Arrow makes a column of eight values as slowly as one of a thousand, and a row has 24 of them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from indexer.otlp.span_columns import parsed_columns
from indexer.otlp.span_groups import SpanGroup
from indexer.otlp.span_origins import SpanOrigin, SpanOrigins

SpanRow = dict[str, Any]
"""The columns of ``SPAN_SCHEMA`` by name; times are nanoseconds since 1970."""
_SHARED = tuple(SpanOrigin.__dataclass_fields__)


def span_rows(groups: Iterable[SpanGroup], origins: SpanOrigins) -> list[SpanRow]:
    """The rows in order, without those of spans that have no identity. Raises InvalidOtlp."""
    shared: list[SpanRow] = []
    spans: list[bytes] = []
    for group in groups:
        origin, _ = origins.of(group.resource_spans, group.scope_spans)
        columns = {name: getattr(origin, name) for name in _SHARED}
        shared += [columns] * len(group.spans)
        spans += group.spans
    own = parsed_columns(spans)
    rows = zip(*map(_values, own.columns.values()), strict=True)
    return [
        {**columns, **dict(zip(own.columns, row, strict=True))}
        for columns, row, is_kept in zip(shared, rows, own.is_kept, strict=True)
        if is_kept
    ]


def _values(column: Any) -> Sequence[Any]:
    values: Sequence[Any] = column.tolist() if isinstance(column, np.ndarray) else column
    return values
