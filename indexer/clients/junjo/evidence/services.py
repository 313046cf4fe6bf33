"""The service that a span is of, as its resource names it. Pure."""

from indexer.clients.junjo.evidence.portable import is_portable_text
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """``namespace`` is empty where there is none."""

    namespace: str
    name: str
    version: str | None


def service_of(source: SourceSpan) -> Service | None:
    """None for a span of a service without a name."""
    name = source.resource.get("service.name", source.span.service_name)
    if not is_portable_text(name):
        return None
    namespace = source.resource.get("service.namespace")
    version = source.resource.get("service.version")
    return Service(
        namespace=str(namespace) if is_portable_text(namespace) else "",
        name=str(name),
        version=str(version) if is_portable_text(version) else None,
    )
