"""The dashboards' service on a real port in this process, over routes that a test brings along."""

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter

from indexer.clients.application import BODY_BYTES_MAX, OPEN_PATHS
from indexer.clients.service import DashboardService
from indexer.http.admission import Admission
from indexer.http.hosts import NamePolicy
from indexer.http.limits import ConnectionLimits
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
    service: DashboardService
    """Where it is served in this process."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.address = (str(parts.hostname), int(parts.port or 0))

    def get(self, target: str, **headers: str) -> Said:
        return self.request("GET", target, headers)

    def request(
        self, method: str, target: str, headers: Mapping[str, str] = {}, body: bytes | None = None
    ) -> Said:
        """One request on a connection of its own, and its whole answer."""
        with closing(http.client.HTTPConnection(*self.address, timeout=30)) as connection:
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
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
    *routes: tuple[str, Callable[..., Any]], host: Any = None, **options: Any
) -> Iterator[Served]:
    """Serve until the block ends; ``options`` are those of ``DashboardService``."""

    def router(_: Any) -> APIRouter:
        made = APIRouter()
        for path, endpoint in routes:
            made.get(path)(endpoint)
        return made

    if routes:
        options["routers"] = [router]
    token = options.pop("token", "")
    admission = Admission(
        names=NamePolicy(local_only=not token),
        token=token,
        open_paths=OPEN_PATHS,
        body_bytes_max=BODY_BYTES_MAX,
    )
    endpoint = Endpoint(setting="INDEXER_HTTP_LISTEN", listen="127.0.0.1:0")
    service = DashboardService(
        host,
        endpoint=endpoint,
        admission=options.pop("admission", admission),
        limits=options.pop("limits", ConnectionLimits()),
        **options,
    )
    loop = asyncio.new_event_loop()
    running = threading.Thread(target=loop.run_until_complete, args=(service.run(grace_s=1),))
    running.start()
    try:
        served = Served(service.url)
        served.service = service
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(service.end(), loop).result(30)
        running.join()
        loop.close()
