"""The command for the Mastra store: a backup, from the worker that has it open or without one."""

import argparse
from pathlib import Path

from indexer.cli import render
from indexer.clients.unix_socket import LocalClient
from indexer.errors import InvalidSettings
from indexer.settings import Settings


def mastra_backup(settings: Settings, options: argparse.Namespace) -> int:
    """Copy the store as it is now to a file, in place of what is there."""
    source = Path(settings.mastra_path).absolute()
    if not settings.mastra_path or not source.exists():
        raise InvalidSettings(
            "INDEXER_MASTRA_PATH names no store",
            hint="Set it to the file of the store, as the worker has it.",
        )
    target = Path(options.file).absolute()
    client = LocalClient(settings.catalog_pointer)
    if client.is_reachable():
        client.post("/mastra/backup", target=str(target))
    else:
        from indexer.mastra.sync_store import SyncDuckDBStore  # noqa: PLC0415 - DuckDB

        store = SyncDuckDBStore(source, memory_limit=settings.mastra_memory_limit)
        store.init()
        try:
            store.backup(target)
        finally:
            store.close()
    found = {"path": str(target), "bytes": target.stat().st_size}
    if options.json:
        render.write_json(found)
    else:
        render.facts(found)
    return 0
