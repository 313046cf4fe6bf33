"""What the resources of a message take once a table repeats them in each row."""

from typing import Any

from indexer.otlp.requests import Signal

MEMBERS: dict[Signal, tuple[str, str, str]] = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
}
"""Names of a request's resources, of their scopes, and of the scopes' records."""


def repeated_bytes_of(signal: Signal, resources: Any) -> int:
    """Bytes of resources and scopes, counted once for each row of theirs."""
    _, scopes, records = MEMBERS[signal]
    count = _point_count if signal == "metrics" else len
    repeated = 0
    for each in resources:
        resource = each.resource.ByteSize()
        for scope in getattr(each, scopes):
            repeated += (resource + scope.scope.ByteSize()) * count(getattr(scope, records))
    return repeated


def _point_count(metrics: Any) -> int:
    found = ((metric, metric.WhichOneof("data")) for metric in metrics)
    return sum(len(getattr(metric, kind).data_points) for metric, kind in found if kind)
