"""What operators and their probes ask: whether the process lives, and how the worker is."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request

from indexer.serve.app import Host
from indexer.serve.asking import Asking

T = TypeVar("T")


def operations(host: Host) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the process answers; it asks neither the catalog nor the storage."""
        return {"status": "alive"}

    @router.get("/status")
    async def status(request: Request) -> dict[str, Any]:
        """What `status --json` says."""
        return await _probed(request, host.status)

    return router


async def _probed(request: Request, question: Callable[[], T]) -> T:
    probes: Asking[Any] = request.app.state.probes
    return await probes.ask(request, lambda _: question())
