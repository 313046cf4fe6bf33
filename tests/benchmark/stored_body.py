"""The HTTP server of the dashboards' port with one stored body behind it: what an answer costs
when finding it and making its text cost nothing.

    python -m tests.benchmark.stored_body PORT FILE
"""

import asyncio
import sys
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.http.limits import ConnectionLimits
from indexer.http.server import HttpServer
from indexer.system.addresses import Endpoint, bind

GRACE_S = 1


def stored(body: bytes) -> ASGIApp:
    """An application that answers each request with these bytes."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-complete", b"true"),
    ]

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def main() -> None:
    """Serve until killed."""
    port, file = sys.argv[1:]
    server = HttpServer(
        stored(Path(file).read_bytes()),
        [bind(Endpoint(setting="PORT", listen=f"127.0.0.1:{port}"))],
        limits=ConnectionLimits(),
        grace_s=GRACE_S,
    )
    asyncio.run(server.run_until_stopped())


if __name__ == "__main__":
    main()
