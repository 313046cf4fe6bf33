"""What probes ask: does the process live, can it be relied on, how is it."""

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.query_executor import QueryExecutor
from indexer.clients.shared.time_limits import PROBE_S
from indexer.errors import IndexerError
from indexer.http.problems import RETRY_AFTER_S, problem
from indexer.system.counted_nouns import counted
from indexer.telemetry import metrics

T = TypeVar("T")


def probes(host: Host) -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the process answers; asks neither the catalog nor the storage."""
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        """Whether answers can be relied on; 503 with the reasons while not."""
        reasons = await _probed(request, lambda: not_ready(host.status(), host.backlog_files_max))
        if not reasons:
            return _json({"status": "ready"})
        retry = {"Retry-After": str(RETRY_AFTER_S)}
        detail = "; ".join(reasons)
        return problem(503, "NotReady", detail, headers=retry, more={"reasons": reasons})

    @router.get("/status")
    async def status(request: Request) -> Response:
        """How the worker is and what the index holds: what `status --json` says."""
        return _json(await _probed(request, host.status))

    @router.get("/metrics", response_class=_Exposition)
    async def exposition(request: Request) -> Response:
        """Everything that is measured, in the text format of Prometheus."""
        return _Exposition(await _probed(request, lambda: _measured(host)))

    return router


def _json(value: Any) -> Response:
    return Response(as_json(value), media_type="application/json")


class _Exposition(Response):
    media_type = metrics.MEDIA_TYPE


def not_ready(status: Mapping[str, Any], backlog_files_max: int) -> list[str]:
    """Why a worker with that status should not be asked yet; empty when it can be."""
    reasons = [str(one) for one in status["problems"]]
    if status["swept_at"] is None:
        reasons.append("the storage has not been listed yet")
    backlog = status["files_ready"] + status["files_waiting"]
    if backlog > backlog_files_max:
        files = counted(backlog, "file waits", "files wait")
        reasons.append(f"{files} to be indexed, more than {backlog_files_max:,}")
    return reasons + _unreadable(status["storage_root"])


def _unreadable(root: str) -> list[str]:
    """The last sweep may be long ago: whether the root can be listed now."""
    try:
        with os.scandir(root) as entries:
            next(entries, None)
    except OSError as error:
        return [f"the storage cannot be listed: {error.strerror or error}"]
    return []


def _measured(host: Host) -> bytes:
    """Metrics are told however ill the worker is."""
    try:
        metrics.set_state(host.status())
    except IndexerError:
        metrics.set_state({"healthy": False})
    return metrics.exposition()


async def _probed(request: Request, question: Callable[[], T]) -> T:
    executor: QueryExecutor = request.app.state.probes
    return await executor.ask(request, lambda _: question(), PROBE_S)
