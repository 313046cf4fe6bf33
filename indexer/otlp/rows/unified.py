"""Records of every signal in one table of four columns: the rows of ``read_otlp``.

A row is a span, a log record, or one data point of a metric, which is shown as that metric with
this data point alone.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from indexer.otlp.requests import Signal
from indexer.otlp.rows.logs import log_time
from indexer.otlp.rows.record_json import record_json
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.rows.values import times
from indexer.otlp.values import attributes_text, json_text


class _Row(NamedTuple):
    time: int
    data: dict[str, Any]


def unified_rows(signal: Signal, resources: Sequence[Any]) -> pa.RecordBatch:
    """The records of ResourceSpans, ResourceLogs or ResourceMetrics, in order."""
    scopes, records, rows_of = _SIGNALS[signal]
    time, owner, data = [], [], []
    for each in resources:
        resource = attributes_text(each.resource.attributes)
        for scope in getattr(each, scopes):
            said = record_json(scope.scope)
            about = {"scope": said} if said else {}
            for record in getattr(scope, records):
                for row in rows_of(record):
                    time.append(row.time)
                    owner.append(resource)
                    data.append(json_text({**row.data, **about}))
    return TABLES["unified"].batch(
        {
            "timestamp": times(time),
            "signal": [signal] * len(time),
            "resource": owner,
            "data": data,
        }
    )


def _span(span: Any) -> Iterator[_Row]:
    yield _Row(span.start_time_unix_nano, record_json(span))


def _log(record: Any) -> Iterator[_Row]:
    yield _Row(log_time(record), record_json(record))


def _points(metric: Metric) -> Iterator[_Row]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    member = metric.DESCRIPTOR.fields_by_name[kind].json_name
    about = {field.json_name: value for field, value in metric.ListFields() if field.name in _ABOUT}
    shared = {
        field.json_name: value for field, value in data.ListFields() if field.name != "data_points"
    }
    for point in data.data_points:
        yield _Row(
            point.time_unix_nano, {**about, member: {**shared, "dataPoints": [record_json(point)]}}
        )


_ABOUT = frozenset({"name", "description", "unit"})
_SIGNALS: dict[Signal, tuple[str, str, Callable[[Any], Iterator[_Row]]]] = {
    "traces": ("scope_spans", "spans", _span),
    "logs": ("scope_logs", "log_records", _log),
    "metrics": ("scope_metrics", "metrics", _points),
}
