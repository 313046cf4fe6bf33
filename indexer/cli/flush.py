"""``flush``: the ingestion service writes what its log holds to files now."""

import argparse
import sys

from indexer.errors import FlushUnfinished, HotUnavailable
from indexer.settings import Settings

LOOPBACK = "127.0.0.1"
FLUSH_S_MAX = 120.0
"""A log of 2 GiB takes about a minute."""


def flush(settings: Settings, _options: argparse.Namespace) -> int:
    """Ask for a flush and wait for it. Raises HotUnavailable where no service answers."""
    from indexer.wire.calls import Calls, Unimplemented  # noqa: PLC0415 - gRPC

    target = f"{settings.ingestion_host or LOOPBACK}:{settings.ingestion_port}"
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
