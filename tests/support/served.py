"""The worker's service on real sockets in this process, over routes that a test brings along."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter

from indexer.clients.application import BODY_BYTES_MAX, OPEN_PATHS, Application
from indexer.clients.service import Service
from indexer.clients.shared.callers import Caller
from indexer.clients.unix_socket import _short, bind, socket_path
from indexer.http.admission import Admission
from indexer.http.hosts import NamePolicy
from indexer.http.limits import ConnectionLimits
from indexer.query.answers import Answers
from indexer.run.serving import ROUTERS
from indexer.system.addresses import Endpoint


@dataclass(frozen=True, kw_only=True)
class Said:
    code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    service: Service
    """Where it is served in this process."""
    operator: OperatorSide
    """The same on its Unix socket, where the test has one."""
    answers: Answers
    """What its routes ask, where the test has real ones."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.address = (str(parts.hostname), int(parts.port or 0))

    def get(self, target: str, **headers: str) -> Said:
        return self.request("GET", target, headers)

    def request(
        self, method: str, target: str, headers: Mapping[str, str] = {}, body: bytes | None = None
    ) -> Said:
        """One request on a connection of its own, and its whole answer."""
        with closing(http.client.HTTPConnection(*self.address, timeout=100)) as connection:
            connection.request(method, target, body, dict(headers))
            return _said(connection.getresponse())


class OperatorSide:
    """The Unix socket of a catalog in that folder."""

    def __init__(self, folder: Path) -> None:
        self.catalog = folder / "index.duckdb"

    @contextmanager
    def connected(self) -> Iterator[http.client.HTTPConnection]:
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as channel:
            channel.settimeout(100)
            with _short(socket_path(self.catalog)) as path:
                channel.connect(path)
            connection = http.client.HTTPConnection("worker")
            connection.sock = channel
            yield connection

    def request(
        self, method: str, target: str, headers: Mapping[str, str] = {}, body: bytes | None = None
    ) -> Said:
        with self.connected() as connection:
            connection.request(method, target, body, dict(headers))
            return _said(connection.getresponse())

    def get(self, target: str) -> Said:
        return self.request("GET", target)


def _said(answer: http.client.HTTPResponse) -> Said:
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Said(code=answer.status, headers=found, body=answer.read())


class StubHost:
    """A worker that has a status and nothing else."""

    backlog_files_max = 10

    def __init__(self, **status: Any) -> None:
        self.said = status

    def status(self) -> dict[str, Any]:
        return self.said


@contextmanager
def serving(
    *routes: tuple[str, Callable[..., Any]],
    host: Any = None,
    socket_folder: Path | None = None,
    **options: Any,
) -> Iterator[Served]:
    """Serve until the block ends; ``options`` are those of ``application``."""

    def router(_: Any) -> APIRouter:
        made = APIRouter()
        for path, endpoint in routes:
            made.get(path)(endpoint)
        return made

    token = options.pop("token", "")
    admission = Admission(
        names=NamePolicy(local_only=not token),
        token=token,
        open_paths=OPEN_PATHS,
        body_bytes_max=BODY_BYTES_MAX,
    )
    endpoint = Endpoint(setting="INDEXER_HTTP_LISTEN", listen="127.0.0.1:0")
    limits = options.pop("limits", ConnectionLimits())
    routers = options.pop("routers", [router] if routes else ROUTERS)
    app = Application(host, routers, **{"admission": admission, **options})
    service = Service(app, grace_s=10)
    service.listen(endpoint, limits)
    if socket_folder is not None:
        service.serve(bind(socket_folder / "index.duckdb"), Caller.OPERATOR, limits)
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_until_complete, args=(service.run(),))
    running.start()
    try:
        served = Served(str(service.url))
        served.service = service
        if socket_folder is not None:
            served.operator = OperatorSide(socket_folder)
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(service.end(), loop).result(100)
        running.join()
        loop.close()
