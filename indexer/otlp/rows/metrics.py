"""Data points of metrics as rows: one table for each type of metric.

A metric says its name and type once, and each of its data points is a row.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics

from indexer.otlp.rows.origins import groups, origin_columns
from indexer.otlp.rows.schemas import TABLES, Kind
from indexer.otlp.rows.values import INT_MAX, big, optional, span_id, times, trace_id
from indexer.otlp.values import attributes, attributes_text, double, json_text

NO_RECORDED_VALUE = 1
"""DataPointFlags: the point marks an absence, and what it says as its value is to be ignored."""

DATA_OF: dict[Kind, str] = {
    "gauge": "gauge",
    "sum": "sum",
    "histogram": "histogram",
    "exp_histogram": "exponential_histogram",
    "summary": "summary",
}
"""The member of OTLP's ``data`` that a table is made of."""

_Row = tuple[Metric, Any]


def metric_rows(kind: Kind, resources: Sequence[ResourceMetrics]) -> pa.RecordBatch:
    """The data points of the metrics of one type, in order."""
    member = DATA_OF[kind]
    origins, counts = [], []
    rows: list[_Row] = []
    for group in groups(resources, "scope_metrics", "metrics"):
        before = len(rows)
        rows += [
            (metric, point)
            for metric in group.records
            if metric.WhichOneof("data") == member
            for point in getattr(metric, member).data_points
        ]
        origins.append(group.origin)
        counts.append(len(rows) - before)
    columns = {**_shared(rows), **_COLUMNS_OF[kind](rows, member)}
    return TABLES[kind].batch({**origin_columns(origins, counts), **columns})


def has_value(point: Any) -> bool:
    """Whether what the point says is a measurement."""
    return not point.flags & NO_RECORDED_VALUE


def exemplars_text(point: Any) -> str:
    """Exemplars as a JSON array, with OTLP's names."""
    return json_text([_exemplar(one) for one in point.exemplars]) if point.exemplars else "[]"


def _exemplar(exemplar: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"timeUnixNano": str(exemplar.time_unix_nano)}
    kind = exemplar.WhichOneof("value")
    if kind == "as_int":
        said["asInt"] = str(exemplar.as_int)
    elif kind == "as_double":
        said["asDouble"] = double(exemplar.as_double)
    said["traceId"] = trace_id(exemplar.trace_id) or ""
    said["spanId"] = span_id(exemplar.span_id) or ""
    return {**said, "filteredAttributes": attributes(exemplar.filtered_attributes)}


def _shared(rows: Sequence[_Row]) -> dict[str, Any]:
    return {
        "time_unix_nano": times([point.time_unix_nano for _, point in rows]),
        "start_time_unix_nano": times([point.start_time_unix_nano for _, point in rows]),
        "name": [metric.name for metric, _ in rows],
        "description": [metric.description or None for metric, _ in rows],
        "unit": [metric.unit or None for metric, _ in rows],
        "metric_attributes": [attributes_text(point.attributes) for _, point in rows],
        "flags": [min(point.flags, INT_MAX) for _, point in rows],
    }


def _gauge(rows: Sequence[_Row], _member: str) -> dict[str, Any]:
    kinds = [point.WhichOneof("value") if has_value(point) else None for _, point in rows]
    pairs = list(zip(rows, kinds, strict=True))
    return {
        "int_value": [point.as_int if kind == "as_int" else None for (_, point), kind in pairs],
        "double_value": [
            point.as_double if kind == "as_double" else None for (_, point), kind in pairs
        ],
        "exemplars_json": [exemplars_text(point) for _, point in rows],
    }


def _sum(rows: Sequence[_Row], member: str) -> dict[str, Any]:
    return {
        **_gauge(rows, member),
        **_temporality(rows, member),
        "is_monotonic": [metric.sum.is_monotonic for metric, _ in rows],
    }


def _temporality(rows: Sequence[_Row], member: str) -> dict[str, Any]:
    return {
        "aggregation_temporality": [
            getattr(metric, member).aggregation_temporality for metric, _ in rows
        ]
    }


def _statistics(rows: Sequence[_Row]) -> dict[str, Any]:
    return {
        "count": [big(point.count) if has_value(point) else None for _, point in rows],
        **{
            name: [optional(point, name) if has_value(point) else None for _, point in rows]
            for name in ("sum", "min", "max")
        },
        "exemplars_json": [exemplars_text(point) for _, point in rows],
    }


def _histogram(rows: Sequence[_Row], member: str) -> dict[str, Any]:
    return {
        **_statistics(rows),
        **_temporality(rows, member),
        "bucket_counts": [list(map(big, point.bucket_counts)) for _, point in rows],
        "explicit_bounds": [list(point.explicit_bounds) for _, point in rows],
    }


def _exp_histogram(rows: Sequence[_Row], member: str) -> dict[str, Any]:
    return {
        **_statistics(rows),
        **_temporality(rows, member),
        "scale": [point.scale for _, point in rows],
        "zero_count": [big(point.zero_count) for _, point in rows],
        "zero_threshold": [point.zero_threshold for _, point in rows],
        "positive_offset": [point.positive.offset for _, point in rows],
        "positive_bucket_counts": [
            list(map(big, point.positive.bucket_counts)) for _, point in rows
        ],
        "negative_offset": [point.negative.offset for _, point in rows],
        "negative_bucket_counts": [
            list(map(big, point.negative.bucket_counts)) for _, point in rows
        ],
    }


def _summary(rows: Sequence[_Row], _member: str) -> dict[str, Any]:
    return {
        "count": [big(point.count) if has_value(point) else None for _, point in rows],
        "sum": [point.sum if has_value(point) else None for _, point in rows],
        "quantiles": [[one.quantile for one in point.quantile_values] for _, point in rows],
        "quantile_values": [[one.value for one in point.quantile_values] for _, point in rows],
    }


_COLUMNS_OF: dict[Kind, Callable[[Sequence[_Row], str], dict[str, Any]]] = {
    "gauge": _gauge,
    "sum": _sum,
    "histogram": _histogram,
    "exp_histogram": _exp_histogram,
    "summary": _summary,
}
