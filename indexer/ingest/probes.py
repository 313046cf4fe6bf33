"""What operators ask the ingestion over HTTP: does it live, can it take spans, how is it."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from indexer.http.admission import Admission
from indexer.http.problems import RETRY_AFTER_S, problem
from indexer.ingest.flush import Flusher
from indexer.ingest.wal import Wal
from indexer.telemetry import ingestion_metrics
from indexer.telemetry.metrics import MEDIA_TYPE

AT_ONCE = 2
"""Each reads the state of the log, which takes a millisecond."""
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Probes carry no token; these two tell states and no data."""
_SECOND_NS = 1_000_000_000
T = TypeVar("T")


class IngestionState:
    """How one ingestion is, for as long as its parts are open."""

    def __init__(self, wal: Wal, flusher: Flusher, root: str) -> None:
        self._wal = wal
        self._flusher = flusher
        self._root = root

    def not_ready(self) -> list[str]:
        """Why senders should go elsewhere; empty when they need not."""
        reasons = []
        if not os.access(self._root, os.W_OK | os.X_OK):
            reasons.append(f"files cannot be written in {self._root}")
        if self._flusher.failures:
            reasons.append(f"the last {self._flusher.failures} flushes failed")
        try:
            state = self._wal.state()
        except sqlite3.Error as error:
            return [*reasons, f"the log cannot be read: {error}"]
        if state.pending_bytes >= self._wal.bytes_max:
            reasons.append(f"the log is full: {state.pending_bytes} bytes wait to be flushed")
        return reasons

    def measured(self) -> bytes:
        """Metrics, however ill it is."""
        values: dict[str, float] = {"ready": not self.not_ready()}
        try:
            state, files = self._wal.state(), len(self._wal.listed_files())
        except sqlite3.Error:
            ingestion_metrics.set_state(values)
            return ingestion_metrics.exposition()
        oldest = state.oldest_unix_nano
        age_s = 0.0 if oldest is None else max(0, time.time_ns() - oldest) / _SECOND_NS
        values |= {
            "log_bytes": state.pending_bytes,
            "log_bytes_limit": self._wal.bytes_max,
            "log_spans": state.pending_spans,
            "oldest_unflushed_seconds": age_s,
            "files_unconfirmed": files,
        }
        ingestion_metrics.set_state(values)
        return ingestion_metrics.exposition()


def probes_app(state: IngestionState, admission: Admission) -> ASGIApp:
    """The application; ``admission`` says who is let in."""
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="probes")

    async def asked(question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, question)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        reasons = await asked(state.not_ready)
        if not reasons:
            return JSONResponse({"status": "ready"})
        retry = {"Retry-After": str(RETRY_AFTER_S)}
        detail = "; ".join(reasons)
        return problem(503, "NotReady", detail, headers=retry, more={"reasons": reasons})

    async def metrics(_: Request) -> Response:
        return Response(await asked(state.measured), media_type=MEDIA_TYPE)

    async def index(_: Request) -> Response:
        about = "span-indexer, ingestion"
        return JSONResponse({"service": about, "routes": ["/healthz", "/readyz", "/metrics"]})

    routes = [
        Route("/", index),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
    return admission.around(Starlette(routes=routes))
