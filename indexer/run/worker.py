"""The worker's life: bind, open, serve and watch side by side, then stop in the reverse order.

All work on files and on the catalog happens in the index loop, on one thread. A signal lets its
turn finish the transaction in hand, closes the catalog and ends the process.
"""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from indexer.clients.service import Service
from indexer.errors import CatalogBusy, HotUnavailable, TaskDied
from indexer.index.learnt_summaries import LearntSummaries
from indexer.index.session import Owned, owning
from indexer.query.answers import Answers
from indexer.read.payload import keep_page_maps
from indexer.run.answering import Answering
from indexer.run.bounded_stop import run_until_stopped
from indexer.run.command_socket import CommandSocket
from indexer.run.file_events import FileEvents
from indexer.run.heartbeat import Heartbeat
from indexer.run.index_loop import IndexLoop
from indexer.run.open_index import OpenIndex
from indexer.run.ownership_watch import OwnershipWatch
from indexer.run.serving import listening_service
from indexer.run.status import worker_status
from indexer.run.supervisor import Supervisor
from indexer.settings import Settings
from indexer.system.clock import Clock
from indexer.system.interpreter import answer_beside_work
from indexer.system.program_name import program_name
from indexer.system.stop_signals import catch_stop_signals
from indexer.system.usage import Usage
from indexer.telemetry.log import HOT_ENDING, WORKER_STARTED, WORKER_STOPPED, WORKER_STOPPING, log
from indexer.telemetry.own_traces import OwnTraces, own_traces


class Worker:
    """One process's service over one storage and one catalog."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        owned: Owned,
        stop: asyncio.Event,
        *,
        accept_removals: bool = False,
    ) -> None:
        self.settings = settings
        self._stop = stop
        self._index = OpenIndex(
            settings,
            clock,
            owned.generations,
            self._stop.is_set,
            accept_removals=accept_removals,
        )
        self._ownership = OwnershipWatch(self._index, owned.lock, self._stop)
        self._heartbeat = Heartbeat(clock, stalled_after_s=settings.stalled_after_s)
        learnt = LearntSummaries(clock, settings.bytes_of("search_summaries_bytes"))
        self._loop = IndexLoop(
            self._index,
            clock,
            self._stop,
            self._heartbeat,
            sweep_every_s=settings.poll_interval_s,
            committed=self._follow_hot_soon,
            learnt=learnt,
        )
        self._supervisor = Supervisor(clock, self._stop)
        self._events = FileEvents(settings.storage_root, self._loop, clock, self._stop)
        self._hot = None
        if settings.ingestion_host:
            from indexer.run.hot_tier import HotTier  # noqa: PLC0415 - it alone needs gRPC here

            self._hot = HotTier(settings, clock, self._index.new_files)
        self._mastra = None
        if settings.mastra_path:
            from indexer.run.mastra_store import MastraStore  # noqa: PLC0415 - few have one

            self._mastra = MastraStore(settings, lambda: self.answers)
        self._answering = Answering(
            settings,
            self._index,
            self._heartbeat,
            learnt=learnt.put,
            hot=self._hot,
            mastra=self._mastra,
        )
        self._canary = None
        if settings.canary_interval_s:
            from indexer.run.canary import canary  # noqa: PLC0415 - few ask for it

            self._canary = canary(settings, clock, lambda: self.answers)
        self._service: Service | None = None
        self._own_traces = OwnTraces()

    def request_stop(self) -> None:
        """Finish the transaction in hand and end. Safe in a signal handler of the loop."""
        if not self._stop.is_set():
            log(WORKER_STOPPING, "stopping: finishing the transaction and the answers in hand")
        if self._hot is not None:
            self._hot.expect_end()
        self._stop.set()
        self._loop.wake()

    async def run(self) -> None:
        """Serve until ``request_stop``, and end in time.

        Raises what keeps the catalog or the port from opening, and TaskDied.
        """
        keep_page_maps(self.settings.bytes_of("page_cache_bytes"))
        self._own_traces = own_traces(self.settings.otlp_http_listen)
        # Bound before all else: what keeps it from that keeps the worker from starting.
        door = None
        if self._mastra is not None:
            self._mastra.open()
            door = self._mastra.door
        self._service = service = listening_service(
            self, self.settings, self._own_traces.provider, door
        )
        await run_until_stopped(
            self._live(service), self._stop, timeout_s=self.settings.stop_timeout_s
        )

    async def _live(self, service: Service) -> None:
        try:
            await self._loop.open()
        except CatalogBusy:
            if self._stop.is_set():
                return
            raise
        self._say_started()
        async with asyncio.TaskGroup() as tasks:
            for kept in self._tasks(service):
                tasks.create_task(kept)
            await self._stop.wait()
            self._loop.wake()
            self._loop.cancel_snapshot()
            if self._hot is not None:
                await asyncio.to_thread(self._hot.close)
            await service.end()
        if self._mastra is not None:
            await asyncio.to_thread(self._mastra.close)
        await self._loop.close()
        self._own_traces.close()
        if self._supervisor.fatal:
            raise TaskDied(self._supervisor.fatal)
        log(WORKER_STOPPED, "stopped; every registered file is in the catalog")

    def _tasks(self, service: Service) -> list[Coroutine[Any, Any, None]]:
        """All that waits side by side. Without its servers the worker is of no use to anybody."""
        keep = self._supervisor.keep
        commands = CommandSocket(service, self.settings.catalog_pointer, self._stop)
        tasks = [
            keep("index loop", self._loop.run),
            keep("stall watch", lambda: self._heartbeat.watch(self._stop)),
            keep("ownership of the catalog", self._ownership.run, essential=True),
            keep("command socket", commands.run),
        ]
        if service.url is not None:
            tasks.append(keep("dashboards", service.run, essential=True))
        if self._hot is not None:
            hot, reading = self._hot, self._answering.reading
            tasks.append(keep("hot tier", lambda: hot.follow_until(self._stop, reading)))
        if self._canary is not None:
            measured = self._canary
            tasks.append(keep("canary", lambda: measured.run(self._stop)))
        if self._mastra is not None:
            mastra = self._mastra
            tasks.append(keep("Mastra store", lambda: mastra.prune_until(self._stop)))
        if self.settings.watch:
            tasks.append(keep("file events", self._events.run))
        return tasks

    def _follow_hot_soon(self) -> None:
        if self._hot is not None:
            self._hot.follow_soon()

    @property
    def _http_url(self) -> str | None:
        return None if self._service is None else self._service.url

    @property
    def backlog_files_max(self) -> int:
        """Files that may wait while the worker counts as ready."""
        return self.settings.backlog_files_max

    @property
    def answers(self) -> Answers:
        """The questions of commands and dashboards, over readers' connections."""
        return self._answering.answers

    @property
    def _problems(self) -> tuple[str, ...]:
        """What is wrong with the worker itself."""
        loop = (self._index.deleted, self._loop.failure, self._heartbeat.problem)
        found = (*loop, self._events.problem)
        return (*(one for one in found if one), *self._supervisor.problems)

    def status(self) -> dict[str, Any]:
        """The worker's state and what the index holds."""
        self._follow_hot_soon()
        return worker_status(
            self.settings,
            self._index.catalog,
            self._index.pipeline,
            self.answers.moments,
            problems=self._problems,
            http_url=self._http_url,
            watching=self._events.is_watching,
            swept_unix_s=self._loop.swept_unix_s,
            hot=None if self._hot is None else self._hot.status(),
            usages=self._usages(),
        )

    def _usages(self) -> dict[str, Usage]:
        """Everything in this process that is bounded for all requests together."""
        requests = {} if self._service is None else self._service.usages
        if self._mastra is not None:
            requests = {**requests, "mastra_bodies": self._mastra.door.bodies.usage}
        return {**requests, "answer_bytes": self._answering.usage}

    async def snapshot(self) -> Path:
        """Publish a copy of the catalog as it is now; the same copy while nothing changed."""
        return await self._loop.snapshot()

    @property
    def current_copy(self) -> Path | None:
        """The copy that was published last, while nothing has changed since."""
        return self._index.current_copy

    async def flush(self) -> None:
        """Have the ingestion service put what is hot into files. Raises HotUnavailable."""
        if self._hot is None:
            raise HotUnavailable("no ingestion service is set", hint="Set INGESTION_GRPC_HOST.")
        await asyncio.to_thread(self._hot.flush)

    def expect_ingestion_end(self) -> None:
        """The ingestion service is being stopped: nobody needs a warning of that."""
        if self._hot is not None:
            log(HOT_ENDING, "the ingestion is being stopped; its last spans are indexed next")
            self._hot.expect_end()

    async def sweep(self) -> None:
        """Sweep now and work it off."""
        await self._loop.sweep()

    def _say_started(self) -> None:
        where = f"; dashboards ask at {self._http_url}" if self._http_url else ""
        log(
            WORKER_STARTED,
            f"indexing {self.settings.storage_root} into {self.settings.catalog_pointer}{where}",
            http=self._http_url,
        )


async def serve(settings: Settings, clock: Clock, *, accept_removals: bool = False) -> None:
    """Own the catalog and run the worker until SIGTERM or SIGINT. Raises CatalogOwned.

    With ``accept_removals`` the first listing of the storage is right, whatever it lacks.
    """
    answer_beside_work()
    stop = asyncio.Event()
    request = catch_stop_signals()
    request.tell_loop(stop.set)  # before the lock is held: whoever holds it ends in order
    with owning(settings, program_name()) as owned:
        worker = Worker(settings, clock, owned, stop, accept_removals=accept_removals)
        request.tell_loop(worker.request_stop)
        await worker.run()
