"""Spans as Mastra's platform exporter writes them, as records to create.

It names some fields twice, and it leaves IDs of users, threads and the like in the metadata, from
where the storage exporter of Mastra would lift them.
"""

from collections.abc import Mapping
from typing import Any

_OLDER_NAMES = {
    "spanId": "id",
    "spanType": "type",
    "startedAt": "startTime",
    "endedAt": "endTime",
    "error": "errorInfo",
}
_LIFTED = (
    "userId",
    "organizationId",
    "resourceId",
    "runId",
    "sessionId",
    "threadId",
    "requestId",
    "environment",
    "source",
    "serviceName",
    "experimentId",
    "entityVersionId",
)


def span_record(exported: Mapping[str, Any]) -> dict[str, Any]:
    """The record of an exported span, with every name once and IDs lifted out of its metadata."""
    record = dict(exported)
    for name, older in _OLDER_NAMES.items():
        if record.get(name) is None and record.get(older) is not None:
            record[name] = record[older]
    metadata = record.get("metadata")
    if isinstance(metadata, Mapping):
        for name in _LIFTED:
            if record.get(name) is None and isinstance(metadata.get(name), str):
                record[name] = metadata[name]
        if record.get("scope") is None and isinstance(metadata.get("scope"), Mapping):
            record["scope"] = metadata["scope"]
    record["isEvent"] = bool(record.get("isEvent"))
    return record
