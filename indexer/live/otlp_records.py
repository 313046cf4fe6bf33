"""The records of export requests, whatever their signal: counted, taken apart, put together again.

A record is a span, a log record or one data point; a data point stands in a metric of its own.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from google.protobuf.message import Message
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from indexer.otlp import skeleton
from indexer.otlp.requests import Signal, empty_request
from indexer.otlp.span_count import read


class Members(NamedTuple):
    """What OTLP calls the levels of a signal's requests."""

    resources: str
    scopes: str
    records: str


MEMBERS: dict[Signal, Members] = {
    "traces": Members("resource_spans", "scope_spans", "spans"),
    "logs": Members("resource_logs", "scope_logs", "log_records"),
    "metrics": Members("resource_metrics", "scope_metrics", "metrics"),
}

Record = tuple[Any, Any, Message]
"""(ResourceSpans, ScopeSpans, span), and alike."""


def record_count(signal: Signal, resources: Iterable[Any]) -> int:
    """Rows that the resources have."""
    return sum(count for _, _, count in _counted(signal, resources))


def repeated_bytes(signal: Signal, resources: Iterable[Any]) -> int:
    """Bytes of resources and scopes, counted once for each of their rows."""
    return sum(
        (each.resource.ByteSize() + scope.scope.ByteSize()) * count
        for each, scope, count in _counted(signal, resources)
    )


def outlined_repeated_bytes(body: bytes) -> int:
    """The same of a serialised request for traces, without parsing a span."""
    repeated = 0
    for each in read(skeleton.Request, body).resource_spans:
        outline = read(skeleton.ResourceSpans, each)
        resource = sum(map(len, outline.resource))
        for one in outline.scope_spans:
            scope = read(skeleton.ScopeSpans, one)
            repeated += (resource + sum(map(len, scope.scope))) * len(scope.spans)
    return repeated


def points(metric: Metric) -> Any:
    """The data points of a metric; none of one that has no type."""
    kind = metric.WhichOneof("data")
    return getattr(metric, kind).data_points if kind else ()


def records(signal: Signal, resources: Iterable[Any]) -> Iterator[Record]:
    """Every record in order, with its resource and scope."""
    members = MEMBERS[signal]
    for each in resources:
        for scope in getattr(each, members.scopes):
            for record in getattr(scope, members.records):
                for one in _single(record) if signal == "metrics" else (record,):
                    yield each, scope, one


def joined(
    signal: Signal, found: Iterable[Record], records_max: int
) -> Iterator[tuple[int, bytes]]:
    """(count, serialised request) for so many of the records at a time, in order."""
    left = iter(found)
    while part := list(islice(left, records_max)):
        yield len(part), _request(signal, part)


def _request(signal: Signal, part: Iterable[Record]) -> bytes:
    members = MEMBERS[signal]
    request = empty_request(signal)
    owner: Any = None
    into: Any = None
    for each, scope, record in part:
        if owner is None or owner[0] is not each:
            resource = getattr(request, members.resources).add(schema_url=each.schema_url)
            resource.resource.CopyFrom(each.resource)
        if owner is None or owner[1] is not scope:
            into = getattr(resource, members.scopes).add(schema_url=scope.schema_url)
            into.scope.CopyFrom(scope.scope)
        owner = (each, scope)
        getattr(into, members.records).append(record)
    return request.SerializeToString()


def _counted(signal: Signal, resources: Iterable[Any]) -> Iterator[tuple[Any, Any, int]]:
    members = MEMBERS[signal]
    for each in resources:
        for scope in getattr(each, members.scopes):
            found = getattr(scope, members.records)
            count = len(found) if signal != "metrics" else sum(len(points(one)) for one in found)
            yield each, scope, count


def _single(metric: Metric) -> Iterator[Metric]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    head = Metric()
    head.CopyFrom(metric)
    del getattr(head, kind).data_points[:]
    for point in points(metric):
        one = Metric()
        one.CopyFrom(head)
        getattr(one, kind).data_points.append(point)
        yield one
