"""Strategies for requests of logs and metrics; those of traces are in ``messages``."""

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from tests.otlp.messages import attributes, requests, resources

_TIMES = st.sampled_from([0, 1, 1_700_000_000_123_456_789, 2**63 - 1, 2**64 - 1])
_TEXTS = st.sampled_from(["", "a", 'line\n"quoted" \\ \x01', "ü" * 20])
_SOME = st.lists(attributes, max_size=3)
_DOUBLES = st.floats(width=64)
_COUNTS = st.sampled_from([0, 3, 2**53 + 1, 2**64 - 1])
_VALUES = attributes.map(lambda pair: pair.value)

_LOGS = st.builds(
    LogRecord,
    time_unix_nano=_TIMES.filter(bool),
    observed_time_unix_nano=_TIMES,
    severity_number=st.integers(0, 24),
    severity_text=_TEXTS,
    body=_VALUES,
    attributes=_SOME,
    event_name=_TEXTS,
    flags=st.sampled_from([0, 1, 2**32 - 1]),
    trace_id=st.sampled_from([b"", b"\x01" * 16]),
)
_POINT = {"time_unix_nano": _TIMES, "start_time_unix_nano": _TIMES, "attributes": _SOME}
_NUMBERS = st.one_of(
    st.builds(dict, as_int=st.integers(-(2**63), 2**63 - 1), **_POINT),
    st.builds(dict, as_double=_DOUBLES, flags=st.integers(0, 1), **_POINT),
)
_STATISTICS = st.fixed_dictionaries(
    {"count": _COUNTS}, optional={"sum": _DOUBLES, "min": _DOUBLES, "max": _DOUBLES}
)
_BUCKETS = st.builds(
    dict, offset=st.integers(-(2**31), 2**31 - 1), bucket_counts=st.lists(_COUNTS, max_size=3)
)


def _points(points, **said):
    return st.builds(dict, data_points=st.lists(points, max_size=2), **said)


_TEMPORALITY = {"aggregation_temporality": st.integers(0, 2)}
_HISTOGRAM = st.builds(
    lambda point, statistics: {**point, **statistics},
    st.builds(
        dict,
        bucket_counts=st.lists(_COUNTS, max_size=3),
        explicit_bounds=st.lists(_DOUBLES, max_size=2),
        **_POINT,
    ),
    _STATISTICS,
)
_EXPONENTIAL = st.builds(
    lambda point, statistics: {**point, **statistics},
    st.builds(
        dict,
        scale=st.integers(-10, 20),
        zero_count=_COUNTS,
        zero_threshold=_DOUBLES,
        positive=_BUCKETS,
        negative=_BUCKETS,
        **_POINT,
    ),
    _STATISTICS,
)
_SUMMARY = st.builds(
    dict,
    count=_COUNTS,
    sum=_DOUBLES,
    quantile_values=st.lists(st.builds(dict, quantile=_DOUBLES, value=_DOUBLES), max_size=2),
    **_POINT,
)
_DATA = st.one_of(
    st.builds(dict, gauge=_points(_NUMBERS)),
    st.builds(dict, sum=_points(_NUMBERS, is_monotonic=st.booleans(), **_TEMPORALITY)),
    st.builds(dict, histogram=_points(_HISTOGRAM, **_TEMPORALITY)),
    st.builds(dict, exponential_histogram=_points(_EXPONENTIAL, **_TEMPORALITY)),
    st.builds(dict, summary=_points(_SUMMARY)),
)
_METRICS = st.builds(
    lambda name, unit, data: Metric(name=name, unit=unit, **data),
    _TEXTS.filter(bool),
    _TEXTS,
    _DATA,
)


def _scopes(records, name):
    return st.builds(
        dict,
        scope=st.builds(dict, name=_TEXTS),
        **{name: st.lists(records, min_size=1, max_size=3)},
    )


logs = st.builds(
    ExportLogsServiceRequest,
    resource_logs=st.lists(
        st.builds(
            dict, resource=resources, scope_logs=st.lists(_scopes(_LOGS, "log_records"), max_size=2)
        ),
        min_size=1,
        max_size=2,
    ),
)
metrics = st.builds(
    ExportMetricsServiceRequest,
    resource_metrics=st.lists(
        st.builds(
            dict,
            resource=resources,
            scope_metrics=st.lists(_scopes(_METRICS, "metrics"), max_size=2),
        ),
        min_size=1,
        max_size=2,
    ),
)
traces = requests
