"""What the rows of one scope of one resource share: made once, and copied to each of its rows."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from indexer.deferred_dataclass import dataclass
from indexer.otlp.rows.schemas import OWNER_COLUMNS
from indexer.otlp.values import attributes, attributes_text, json_text


class Origin(NamedTuple):
    """Columns of one scope of one resource; None where OTLP says nothing."""

    service_name: str | None
    service_namespace: str | None
    service_instance_id: str | None
    resource_attributes: str
    scope_name: str | None
    scope_version: str | None
    scope_attributes: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one scope: spans, log records, or metrics."""

    origin: Origin
    records: Sequence[Any]


def groups(resources: Iterable[Any], scopes_name: str, records_name: str) -> list[Group]:
    """The records of ResourceSpans, ResourceLogs or ResourceMetrics, by scope, in order."""
    found = []
    for each in resources:
        resource = _resource_columns(each.resource)
        for scope in getattr(each, scopes_name):
            records = getattr(scope, records_name)
            if records:
                found.append(Group(Origin(*resource, *_scope_columns(scope.scope)), records))
    return found


def origin_of(resource: Resource, scope: InstrumentationScope) -> Origin:
    """The columns of one scope of one resource."""
    return Origin(*_resource_columns(resource), *_scope_columns(scope))


def origin_columns(origins: Sequence[Origin], counts: Sequence[int]) -> dict[str, pa.Array]:
    """Each origin's columns, repeated for so many rows."""
    rows = pa.array([number for number, count in enumerate(counts) for _ in range(count)])
    return {
        name: pa.array([origin[place] for origin in origins], pa.string()).take(rows.cast("int64"))
        for place, name in enumerate(OWNER_COLUMNS)
    }


def _resource_columns(resource: Resource) -> tuple[str | None, str | None, str | None, str]:
    found = attributes(resource.attributes)
    return (
        _text(found.get("service.name")),
        _text(found.get("service.namespace")),
        _text(found.get("service.instance.id")),
        json_text(found),
    )


def _text(value: Any) -> str | None:
    return (value if isinstance(value, str | None) else json_text(value)) or None


def _scope_columns(scope: InstrumentationScope) -> tuple[str | None, str | None, str | None]:
    return (
        scope.name or None,
        scope.version or None,
        attributes_text(scope.attributes) if scope.attributes else None,
    )
