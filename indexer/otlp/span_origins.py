"""What the rows of one scope of one resource share, made once where many requests say the same."""

from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp
from indexer.otlp.values import attributes, attributes_text, json_text

UNKNOWN_SERVICE = "unknown_service"
"""OpenTelemetry resource semantic conventions: the value of an absent ``service.name``."""
KEPT_BYTES_MAX = 1 << 20
"""Of resources and scopes that are remembered; beyond, all are forgotten and made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanOrigin:
    """The columns that the spans of one scope of one resource share."""

    service_name: str
    resource_attributes: str
    resource_dropped_attributes_count: int
    scope_name: str | None
    scope_version: str | None
    scope_attributes: str | None


class SpanOrigins:
    """Origins by the bytes that say them: a service sends the same ones with each request."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], tuple[SpanOrigin, int]] = {}
        self._kept_bytes = 0

    def of(self, resource_spans: bytes, scope_spans: bytes) -> tuple[SpanOrigin, int]:
        """(its columns, bytes of the resource and the scope).

        Of a serialised ResourceSpans without scopes and a ScopeSpans without spans. Raises
        InvalidOtlp.
        """
        key = (resource_spans, scope_spans)
        found = self._known.get(key)
        if found is None:
            self._kept_bytes += len(resource_spans) + len(scope_spans)
            if self._kept_bytes > KEPT_BYTES_MAX:
                self._known.clear()
                self._kept_bytes = 0
            found = self._known[key] = _origin(resource_spans, scope_spans)
        return found


def _origin(resource_spans: bytes, scope_spans: bytes) -> tuple[SpanOrigin, int]:
    try:
        resource = ResourceSpans.FromString(resource_spans).resource
        scope = ScopeSpans.FromString(scope_spans).scope
    except DecodeError as error:
        raise InvalidOtlp(f"invalid resource or scope of spans: {error}") from error
    origin = SpanOrigin(**_resource_columns(resource), **_scope_columns(scope))
    return origin, resource.ByteSize() + scope.ByteSize()


def _resource_columns(resource: Resource) -> dict[str, Any]:
    found = attributes(resource.attributes)
    service = found.get("service.name")
    name = service if isinstance(service, str | None) else json_text(service)
    return {
        "service_name": name or UNKNOWN_SERVICE,
        "resource_attributes": json_text(found),
        "resource_dropped_attributes_count": resource.dropped_attributes_count,
    }


def _scope_columns(scope: InstrumentationScope) -> dict[str, Any]:
    return {
        "scope_name": scope.name or None,
        "scope_version": scope.version or None,
        "scope_attributes": attributes_text(scope.attributes) if scope.attributes else None,
    }
