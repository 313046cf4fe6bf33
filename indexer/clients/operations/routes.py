"""The routes of this program itself, for commands, operators and their probes.

Invalid values and unknown parameters are refused with 422.
"""

from fastapi import APIRouter, Depends

from indexer.clients.host import Host
from indexer.clients.operations.about import about
from indexer.clients.operations.actions import actions
from indexer.clients.operations.hot_spans import hot_spans
from indexer.clients.operations.index_routes import index_routes
from indexer.clients.operations.probes import probes
from indexer.clients.shared.known_parameters import known_parameters
from indexer.clients.shared.prefix_router import PrefixRouter


def operations(host: Host) -> APIRouter:
    """All of them."""
    router = PrefixRouter(tags=["operations"], dependencies=[Depends(known_parameters)])
    for part in (probes, index_routes, actions, hot_spans):
        router.include_router(part(host))
    router.include_router(about())
    return router
