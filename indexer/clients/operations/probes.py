"""The routes of probes, which give ``probe_answers``."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.operations.probe_answers import ALIVE, Exposition, ProbeAnswers


def probes(host: Host) -> APIRouter:
    """The routes."""
    router = APIRouter()
    answers = ProbeAnswers(host)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the process answers; asks neither the catalog nor the storage."""
        return ALIVE

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        """Whether answers can be relied on; 503 with the reasons while not."""
        return await answers.ready(request)

    @router.get("/status")
    async def status(request: Request) -> Response:
        """How the worker is and what the index holds: what `status --json` says."""
        return await answers.status(request)

    @router.get("/metrics", response_class=Exposition)
    async def exposition(request: Request) -> Response:
        """Everything that is measured, in the text format of Prometheus."""
        return await answers.metrics(request)

    return router
