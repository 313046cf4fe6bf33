"""A backup of the open store, for the operator: only this process may copy its file in order."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from indexer.clients.mastra.door import MastraDoor
from indexer.clients.shared.callers import operators_only
from indexer.clients.shared.query_executor import ask
from indexer.clients.shared.time_limits import ACTION_S

_PATH_CHARS_MAX = 4_096
"""The longest path that Linux opens."""


def backup_route(router: APIRouter, door: MastraDoor) -> None:
    """Add the route."""

    @router.post("/mastra/backup", dependencies=[Depends(operators_only)])
    async def backup(
        request: Request, target: Annotated[str, Query(min_length=1, max_length=_PATH_CHARS_MAX)]
    ) -> dict[str, str]:
        """Copy the Mastra store as it is now to a file. Only over the Unix socket."""
        await ask(request, lambda _: door.store.backup(Path(target)), timeout_s=ACTION_S)
        return {"path": target}
