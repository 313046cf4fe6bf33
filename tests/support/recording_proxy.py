"""A server between a client and a service that keeps what they say to each other."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT_HEADERS = ("accept", "content-type", "x-mastra-observability-capabilities")
"""Those that a service may go by. Tokens, and what the machine is called, are not among them."""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; bodies as JSON."""

    method: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    body: Any
    code: int
    answer: Any

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Recording:
    """What has passed, in the order of the answers."""

    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)


@contextmanager
def recording(address: tuple[str, int]) -> Iterator[Recording]:
    """Pass requests on to a service until the block ends."""
    kept = Recording()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(address, kept))
    kept.url = f"http://127.0.0.1:{server.server_port}"
    running = threading.Thread(target=server.serve_forever)
    running.start()
    try:
        yield kept
    finally:
        server.shutdown()
        running.join()
        server.server_close()


def _handler(address: tuple[str, int], kept: Recording) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            sent = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            with closing(http.client.HTTPConnection(*address, timeout=100)) as connection:
                connection.request(self.command, self.path, body or None, sent)
                answer = connection.getresponse()
                content = answer.read()
            headers = {name: sent[name] for name in sent if name.lower() in KEPT_HEADERS}
            headers = {name.lower(): value for name, value in headers.items()}
            kept.exchanges.append(
                Exchange(
                    self.command, self.path, headers, _json(body), answer.status, _json(content)
                )
            )
            self.send_response(answer.status)
            self.send_header("content-type", answer.getheader("content-type", ""))
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = pass_on  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is its own."""

    return Handler


def _json(body: bytes) -> Any:
    return json.loads(body) if body else None
