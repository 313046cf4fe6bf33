"""One open connection to a worker's socket: what a dashboard has."""

import http.client
import json
import socket
import time
from typing import Any

POLL_S = 0.002
"""Pause between two askings; what one asking takes comes on top."""
ANSWERED_WITHIN_S = 60.0


class Question:
    """One connection to the worker's socket, kept open."""

    def __init__(self, socket_file: str) -> None:
        self._connection = http.client.HTTPConnection("worker")
        self._connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.sock.connect(socket_file)

    def ask(self, path: str) -> Any:
        """The JSON answer."""
        self._connection.request("GET", path)
        return json.loads(self._connection.getresponse().read())

    def until_answered(self, trace_id: str) -> float:
        """When the worker first answered with spans of the trace, on ``perf_counter``."""
        gives_up_s = time.monotonic() + ANSWERED_WITHIN_S
        while not self.ask(f"/api/v1/traces/{trace_id}")["spans"]:
            assert time.monotonic() < gives_up_s, f"trace {trace_id} did not arrive"
            time.sleep(POLL_S)
        return time.perf_counter()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
