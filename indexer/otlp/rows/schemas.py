"""The columns of each table that OTLP can be read as.

Names and order are those of duckdb-otlp's file readers since 0.5, so that queries carry over. Of
our own are ``end_time_unix_nano`` of traces, the table of summaries, and the unified table.
"""

from typing import Any, Literal

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.otlp.requests import Signal

Kind = Literal["unified", "traces", "logs", "gauge", "sum", "histogram", "exp_histogram", "summary"]

_ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP_NS": pa.timestamp("ns"),
    "BIGINT[]": pa.list_(pa.int64()),
    "DOUBLE[]": pa.list_(pa.float64()),
}

_OWNER = {
    "service_name": "VARCHAR",
    "service_namespace": "VARCHAR",
    "service_instance_id": "VARCHAR",
    "resource_attributes": "VARCHAR",
    "scope_name": "VARCHAR",
    "scope_version": "VARCHAR",
    "scope_attributes": "VARCHAR",
}
"""Shared by all rows of one scope of one resource."""
OWNER_COLUMNS = tuple(_OWNER)

_SERVICE = {name: _OWNER[name] for name in OWNER_COLUMNS[:3]}
_RESOURCE_AND_SCOPE = {name: _OWNER[name] for name in OWNER_COLUMNS[3:]}
_METRIC = {
    "time_unix_nano": "TIMESTAMP_NS",
    "start_time_unix_nano": "TIMESTAMP_NS",
    "name": "VARCHAR",
    "description": "VARCHAR",
    "unit": "VARCHAR",
}
_POINT = {**_OWNER, "metric_attributes": "VARCHAR", "flags": "INTEGER"}
_EXEMPLARS = {"exemplars_json": "VARCHAR"}
_TEMPORALITY = {"aggregation_temporality": "INTEGER"}
_STATISTICS = {"count": "BIGINT", "sum": "DOUBLE", "min": "DOUBLE", "max": "DOUBLE"}
_GAUGE = {
    **_METRIC,
    "int_value": "BIGINT",
    "double_value": "DOUBLE",
    **_POINT,
    **_EXEMPLARS,
}

_COLUMNS: dict[Kind, dict[str, str]] = {
    "unified": {
        "timestamp": "TIMESTAMP_NS",
        "signal": "VARCHAR",
        "resource": "JSON",
        "data": "JSON",
    },
    "traces": {
        "start_time_unix_nano": "TIMESTAMP_NS",
        "duration_time_unix_nano": "BIGINT",
        "trace_id": "VARCHAR",
        "span_id": "VARCHAR",
        "parent_span_id": "VARCHAR",
        "trace_state": "VARCHAR",
        **_SERVICE,
        "name": "VARCHAR",
        "kind": "INTEGER",
        "status_code": "INTEGER",
        "status_status_message": "VARCHAR",
        **_RESOURCE_AND_SCOPE,
        "span_attributes": "VARCHAR",
        "events_json": "VARCHAR",
        "links_json": "VARCHAR",
        "dropped_attributes_count": "INTEGER",
        "dropped_events_count": "INTEGER",
        "dropped_links_count": "INTEGER",
        "flags": "INTEGER",
        "end_time_unix_nano": "TIMESTAMP_NS",
    },
    "logs": {
        "time_unix_nano": "TIMESTAMP_NS",
        "observed_time_unix_nano": "TIMESTAMP_NS",
        "trace_id": "VARCHAR",
        "span_id": "VARCHAR",
        **_SERVICE,
        "severity_number": "INTEGER",
        "severity_text": "VARCHAR",
        "event_name": "VARCHAR",
        "body": "VARCHAR",
        **_RESOURCE_AND_SCOPE,
        "log_attributes": "VARCHAR",
        "dropped_attributes_count": "INTEGER",
        "flags": "INTEGER",
    },
    "gauge": _GAUGE,
    "sum": {**_GAUGE, **_TEMPORALITY, "is_monotonic": "BOOLEAN"},
    "histogram": {
        **_METRIC,
        **_STATISTICS,
        "bucket_counts": "BIGINT[]",
        "explicit_bounds": "DOUBLE[]",
        **_POINT,
        **_EXEMPLARS,
        **_TEMPORALITY,
    },
    "exp_histogram": {
        **_METRIC,
        **_STATISTICS,
        "scale": "INTEGER",
        "zero_count": "BIGINT",
        "zero_threshold": "DOUBLE",
        "positive_offset": "INTEGER",
        "positive_bucket_counts": "BIGINT[]",
        "negative_offset": "INTEGER",
        "negative_bucket_counts": "BIGINT[]",
        **_POINT,
        **_EXEMPLARS,
        **_TEMPORALITY,
    },
    "summary": {
        **_METRIC,
        "count": "BIGINT",
        "sum": "DOUBLE",
        "quantiles": "DOUBLE[]",
        "quantile_values": "DOUBLE[]",
        **_POINT,
    },
}


@dataclass(frozen=True, slots=True)
class TableKind:
    """One table: its columns with their SQL types, and which signals have rows for it."""

    name: Kind
    columns: dict[str, str]
    schema: pa.Schema
    signals: frozenset[Signal]

    @property
    def row_sql_type(self) -> str:
        """The SQL type of a row as one value."""
        fields = ", ".join(f'"{name}" {kind}' for name, kind in self.columns.items())
        return f"STRUCT({fields})"

    def batch(self, columns: dict[str, Any]) -> pa.RecordBatch:
        """Rows of whole columns, each an Arrow array or what makes one."""
        arrays = [
            columns[field.name]
            if isinstance(columns[field.name], pa.Array)
            else pa.array(columns[field.name], field.type)
            for field in self.schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _table_kind(name: Kind, columns: dict[str, str]) -> TableKind:
    schema = pa.schema([(column, _ARROW_TYPES[kind]) for column, kind in columns.items()])
    return TableKind(name, columns, schema, _SIGNALS.get(name, frozenset({"metrics"})))


_SIGNALS: dict[Kind, frozenset[Signal]] = {
    "unified": frozenset({"traces", "logs", "metrics"}),
    "traces": frozenset({"traces"}),
    "logs": frozenset({"logs"}),
}
TABLES: dict[Kind, TableKind] = {
    name: _table_kind(name, columns) for name, columns in _COLUMNS.items()
}
