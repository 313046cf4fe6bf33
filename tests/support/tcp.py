"""The dashboards' service of a real worker, asked over TCP; also in words that are no HTTP."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.processes import Site


class Dashboards(Served):
    """Where the worker of a site says that dashboards ask."""

    def __init__(self, site: Site) -> None:
        status = site.status()
        assert status is not None
        super().__init__(status["http"])

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(self.address, timeout=100) as connection:
            yield connection

    def raw(self, sent: bytes) -> bytes:
        """All that is answered until the worker ends the connection."""
        with self.connected() as connection:
            connection.sendall(sent)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Until the other side ends it."""
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionResetError:
        pass  # an end as well: some of what we sent was not read before it
    return found
