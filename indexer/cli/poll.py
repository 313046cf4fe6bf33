"""``poll``: spans of a remote ingestion service as files of this storage, for ever.

It needs no worker and no catalog: whatever indexes the storage finds its files like all others.
"""

import argparse

from indexer.settings import Settings


def poll(settings: Settings, _options: argparse.Namespace) -> int:
    """Read what the service has and write it, until told to stop."""
    from indexer.run.poller import serve_poll  # noqa: PLC0415 - only this command needs it

    serve_poll(settings)
    return 0
