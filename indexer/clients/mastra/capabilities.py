"""What this store can be asked, as Mastra's Studio wants to know before it asks."""

from typing import Any

from indexer.mastra.sync_store import SyncObservability

CAPABILITIES: dict[str, Any] = {
    "metrics": False,
    "logs": False,
    "feedback": False,
    "deltaPolling": True,
    "traceQuery": True,
    "traceQueryRootDuration": True,
    "traceQueryContextIds": True,
    "traceQueryDiscovery": True,
    "traceQueryTenantScope": False,
    "threadQuery": True,
    "spanQuery": True,
    "traceAggregate": True,
    "discovery": {
        "entityTypes": True,
        "entityNames": True,
        "serviceNames": True,
        "environments": True,
        "tags": True,
        "metrics": False,
    },
}
"""By Mastra's names. What is false is answered 501; metrics, logs and feedback are kept as they
were received, for SQL. There are no tenants here: a token admits to all traces."""


def capabilities(spans: SyncObservability) -> dict[str, Any]:
    """The answer of ``GET /capabilities``."""
    strategy = spans.observability_strategy
    return {
        "observabilityStorageType": "ObservabilityDuckDB",
        "observabilityRuntimeStrategy": strategy.preferred,
        "capabilities": CAPABILITIES,
    }
