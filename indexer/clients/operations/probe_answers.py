"""What probes are told: does the process live, can it be relied on, how is it.

Whoever looks after an ``up`` that nobody asks for spans asks these alone, so that they are answered
without the routes having been loaded.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.shared.direct_routes import DirectPath
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.query_executor import QueryExecutor
from indexer.clients.shared.time_limits import PROBE_S
from indexer.errors import IndexerError
from indexer.http.problems import RETRY_AFTER_S, problem
from indexer.system.counted_nouns import counted
from indexer.telemetry import metrics

T = TypeVar("T")
ALIVE = {"status": "alive"}


class ProbeAnswers:
    """Those of one worker."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @property
    def paths(self) -> Iterator[DirectPath]:
        """Where they are asked, without a query."""
        answers = {
            "/healthz": self.alive,
            "/readyz": self.ready,
            "/status": self.status,
            "/metrics": self.metrics,
        }
        for path, answer in answers.items():
            yield DirectPath(path_format=path, accepts=_is_empty, answer=answer, chars_max=0)

    async def alive(self, _: Request, __: str = "") -> Response:
        """Whether the process answers."""
        return _json(ALIVE)

    async def ready(self, request: Request, _: str = "") -> Response:
        """Whether answers can be relied on; 503 with the reasons while not."""
        host = self._host
        reasons = await _probed(request, lambda: not_ready(host.status(), host.backlog_files_max))
        if not reasons:
            return _json({"status": "ready"})
        retry = {"Retry-After": str(RETRY_AFTER_S)}
        detail = "; ".join(reasons)
        return problem(503, "NotReady", detail, headers=retry, more={"reasons": reasons})

    async def status(self, request: Request, _: str = "") -> Response:
        """How the worker is and what the index holds."""
        return _json(await _probed(request, self._host.status))

    async def metrics(self, request: Request, _: str = "") -> Response:
        """Everything that is measured."""
        return Exposition(await _probed(request, lambda: _measured(self._host)))


class Exposition(Response):
    """The text format of Prometheus."""

    media_type = metrics.MEDIA_TYPE


def _is_empty(query_string: bytes) -> bool:
    return not query_string


def _json(value: Any) -> Response:
    return Response(as_json(value), media_type="application/json")


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
