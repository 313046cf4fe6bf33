"""``flush``: the ingestion service writes what its log holds to files now."""

import argparse
import sys

from indexer.clients.unix_socket import LocalClient
from indexer.errors import FlushUnfinished, HotUnavailable
from indexer.settings import Settings

LOOPBACK = "127.0.0.1"
FLUSH_S_MAX = 120.0
"""A log of 2 GiB takes about a minute."""


def flush(settings: Settings, _options: argparse.Namespace) -> int:
    """Ask for a flush and wait for it. Raises HotUnavailable where no service answers."""
    from indexer.wire.calls import Calls, Unimplemented  # noqa: PLC0415 - gRPC

    target = _target(settings)
    calls = Calls(target, settings.internal_token.get_secret_value() or None)
    try:
        problem = calls.flush(FLUSH_S_MAX)
    except Unimplemented as error:
        raise HotUnavailable(f"the service at {target} has no FlushWAL") from error
    finally:
        calls.close()
    if problem is not None:
        raise FlushUnfinished(f"the ingestion service at {target} did not flush: {problem}")
    sys.stdout.write("every span that was acknowledged before is in a file\n")
    return 0


def _target(settings: Settings) -> str:
    """The address of the settings; without one that of the worker, which the service feeds."""
    if not settings.ingestion_host:
        worker = LocalClient(settings.catalog_pointer)
        hot = worker.get("/status").get("hot") if worker.is_reachable() else None
        if hot and hot.get("target"):
            return str(hot["target"])
    return f"{settings.ingestion_host or LOOPBACK}:{settings.ingestion_port}"
