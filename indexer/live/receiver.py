"""A receiver of OTLP over gRPC and HTTP inside somebody's process: started, and stopped in order.

It is the embedded ingestion's receiver on threads of its own, with smaller limits, because the
process belongs to a notebook or an application.
"""

import asyncio
import os
import socket
import threading
from contextlib import ExitStack, suppress

from indexer.http import grpc_server
from indexer.http.admission import Admission
from indexer.http.grpc_server import CallLimits
from indexer.http.hosts import NamePolicy
from indexer.http.limits import ConnectionLimits
from indexer.http.server import HttpServer
from indexer.live.address import ReceiverAddress
from indexer.live.exports import BODY_BYTES_MAX
from indexer.live.limits import MIB
from indexer.receive.export import Exports
from indexer.receive.grpc_server import API_KEY_METADATA, otlp_grpc_server
from indexer.receive.http_app import http_app
from indexer.system.addresses import Address, Endpoint, bind, bound_address
from indexer.system.budget import ByteBudget

GRACE_S = 2
"""How long a stop waits for requests in hand."""
GRPC_LIMITS = CallLimits(threads=8, message_bytes=BODY_BYTES_MAX, connections=256)
HTTP_LIMITS = ConnectionLimits(connections=256)
HTTP_BODIES_BYTES_MAX = 64 * MIB
"""Of all requests in hand."""


class Receiver:
    """Both ports, open until ``stop``."""

    def __init__(self, address: ReceiverAddress, exports: Exports) -> None:
        """Bind the ports and serve. Raises InvalidSettings where one cannot be bound."""
        self.addresses: dict[str, Address] = {}
        self._process = os.getpid()
        self._stack = ExitStack()
        with ExitStack() as opening:
            if address.http is not None:
                self._http = _HttpThread(address.http, exports)
                opening.callback(self._http.stop)
                self.addresses["http"] = self._http.address
            server = otlp_grpc_server(
                exports, api_key=address.grpc.token or None, limits=GRPC_LIMITS
            )
            self.addresses["grpc"] = grpc_server.bind(server, address.grpc)
            server.start()
            opening.callback(lambda: server.stop(GRACE_S).wait())
            self._stack = opening.pop_all()

    def stop(self) -> None:
        """Accept no more, answer what is in hand within the grace, and free the ports.

        In a child that the process has forked nothing happens: threads and ports are the parent's.
        """
        if os.getpid() == self._process:
            self._stack.close()


class _HttpThread:
    """The HTTP port on a thread with an event loop of its own."""

    def __init__(self, endpoint: Endpoint, exports: Exports) -> None:
        listener = bind(endpoint)
        self._listener = listener.dup()
        self.address = bound_address(listener)
        is_local = not endpoint.token and self.address.is_loopback
        app = http_app(
            exports,
            admission=Admission(
                names=NamePolicy(local_only=is_local),
                token=endpoint.token,
                token_header=API_KEY_METADATA,
            ),
            budget=ByteBudget(HTTP_BODIES_BYTES_MAX),
            body_bytes_max=BODY_BYTES_MAX,
        )
        self._server = HttpServer(app, [listener], limits=HTTP_LIMITS, grace_s=GRACE_S)
        self._thread = threading.Thread(
            target=asyncio.run,
            args=(self._server.run_until_stopped(),),
            name="live-http",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.stop()
        self._thread.join()
        with suppress(OSError):  # a forked child may have the socket too: it must not listen on
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
