"""Resources of one signal as the rows of one table: where the choice of a builder is made."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from indexer.otlp.requests import Signal
from indexer.otlp.rows.logs import log_rows
from indexer.otlp.rows.metrics import DATA_OF, metric_rows
from indexer.otlp.rows.schemas import Kind
from indexer.otlp.rows.traces import trace_rows
from indexer.otlp.rows.unified import unified_rows

_ROWS: dict[Kind, Callable[[Sequence[Any]], pa.RecordBatch]] = {
    "traces": trace_rows,
    "logs": log_rows,
    **{kind: partial(metric_rows, kind) for kind in DATA_OF},
}


def rows(kind: Kind, signal: Signal, resources: Sequence[Any]) -> pa.RecordBatch:
    """The rows of a table, from ResourceSpans, ResourceLogs or ResourceMetrics of its signal."""
    return unified_rows(signal, resources) if kind == "unified" else _ROWS[kind](resources)
