"""The Unix socket of local commands, made again when somebody has deleted it."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from indexer.clients.service import Service
from indexer.clients.shared.callers import Caller
from indexer.clients.unix_socket import bind, socket_path
from indexer.telemetry.log import SOCKET_MADE_AGAIN, log

LOOK_EVERY_S = 5.0
"""One question to the file system; a command that finds no socket asks the catalog itself."""


class CommandSocket:
    """Where commands ask the worker, for the holder of the catalog's lock."""

    def __init__(self, service: Service, catalog_path: Path, stop: asyncio.Event) -> None:
        self._service = service
        self._catalog_path = catalog_path
        self._stop = stop

    async def run(self) -> None:
        """Answer until ``stop``; then the socket is gone. Raises OSError where none can be made."""
        while not self._stop.is_set():
            listener = bind(self._catalog_path)
            made = self._identity()
            server = self._service.server(listener, Caller.OPERATOR)
            answering = asyncio.ensure_future(server.run_until_stopped())
            try:
                await self._until_gone(made, answering)
            finally:
                server.stop()
                await answering
            if not self._stop.is_set():
                log(SOCKET_MADE_AGAIN, f"the socket of commands was deleted: {self._path}")
        self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return socket_path(self._catalog_path)

    async def _until_gone(
        self, made: tuple[int, int] | None, answering: asyncio.Future[None]
    ) -> None:
        while not (self._stop.is_set() or answering.done()) and self._identity() == made:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), LOOK_EVERY_S)

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_dev, status.st_ino
