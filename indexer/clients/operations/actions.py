"""What changes the state of the worker: over the Unix socket alone, for who may open the catalog.

An action that has begun goes on when nobody waits for it any more; one that waits never begins.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Depends
from starlette.requests import Request

from indexer.clients.host import Host
from indexer.clients.shared.callers import operators_only
from indexer.clients.shared.query_executor import wait_for_answer
from indexer.clients.shared.time_limits import ACTION_S
from indexer.errors import QueriesBusy

ACTIONS_MAX = 8
"""Each waits for the index thread, which does one after the other."""
T = TypeVar("T")


def actions(host: Host) -> APIRouter:
    """The routes."""
    router = APIRouter(dependencies=[Depends(operators_only)])
    in_hand: set[asyncio.Task[Any]] = set()

    async def act(request: Request, action: Coroutine[Any, Any, T]) -> T:
        if len(in_hand) >= ACTIONS_MAX:
            action.close()
            raise QueriesBusy(f"{ACTIONS_MAX} actions are already running or waiting")
        task = asyncio.ensure_future(action)
        in_hand.add(task)
        task.add_done_callback(in_hand.discard)
        return await wait_for_answer(request, task, ACTION_S)

    @router.post("/snapshot")
    async def snapshot(request: Request) -> dict[str, str]:
        """Publish a copy of the catalog as it is now; its path. Only over the Unix socket."""
        return {"path": str(await act(request, host.snapshot()))}

    @router.post("/ingestion-ending")
    async def ingestion_ending() -> dict[str, str]:
        """Be told that the ingestion service is being stopped. Only over the Unix socket."""
        host.expect_ingestion_end()
        return {}

    @router.post("/sweep")
    async def sweep(request: Request) -> dict[str, str]:
        """List the storage now and index what is new. Only over the Unix socket."""
        await act(request, host.sweep())
        return {}

    return router
