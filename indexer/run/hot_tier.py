"""The worker's side of the hot tier: ask it, confirm what is indexed, notice what gets lost.

It asks when a question comes. Where a look is cheap it goes on asking while lists are asked for and
spans arrive, and decodes what came, so that a list finds nearly all of it decoded; a question for
one trace needs nothing decoded, and nothing is for it. Where each look makes the ingestion write
its log as a file, questions share one for a while, with one listing of the new files, which makes
up for the ingestion's bounded list. By itself it asks now and then, to tell the ingestion which of
its recent files are in the index, and the index for spans that have left the hot tier; and soon
after files were indexed. While nobody asks, a service that can tell has its state asked alone, and
the oldest of its spans, which are enough to see whether spans arrive.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from indexer.errors import HotUnavailable, IndexerError, StorageUnavailable
from indexer.hot.decoding import Decoder
from indexer.hot.source import HotSource
from indexer.hot.view import HotLimits, HotOutline, HotRows, HotView
from indexer.query.find.already_indexed import known_files
from indexer.query.find.promoted_keys import key_numbers
from indexer.run.hot_demand import HotDemand
from indexer.run.lost_spans import LostSpans
from indexer.settings import Settings
from indexer.system.change_count import change_count
from indexer.system.clock import Clock
from indexer.system.storage import LocalStorage
from indexer.telemetry.log import (
    HOT_LOOK_FAILED,
    HOT_LOST,
    HOT_REACHED,
    HOT_UNREACHABLE,
    log,
)
from indexer.wire.paths import changes_file

KEEP_UP_EVERY_S = 0.04
"""While spans arrive: at 10,000 a second, 500 to decode, which is 8 ms."""
CHANGES_EVERY_S = 0.005
"""It is seen without a call whether something came, where the service is of this machine."""
PAUSE_OF_LOOK = 2.0
"""It rests twice as long as it worked: senders and answers need the processor too."""
FOLLOW_EVERY_S = 1.0
"""Between two looks that nothing but the time or an indexed file asks for, at least."""

Reading = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
"""A reader's connection to the catalog, held for one question."""

FindNewFiles = Callable[[Iterable[str]], Sequence[str]]
"""Absolute paths of finished files that are not registered or refused, newest first, by a listing
that begins with the call; given those that the ingestion names. Raises IndexerError."""


def no_listing(_: Iterable[str]) -> Sequence[str]:
    """Of a storage that nobody lists."""
    raise StorageUnavailable("nobody lists the storage")


class HotTier:
    """The hot spans of one ingestion service, and how they become cold."""

    def __init__(
        self, settings: Settings, clock: Clock, find_new_files: FindNewFiles = no_listing
    ) -> None:
        self._find_new_files = find_new_files
        self._demand = HotDemand(clock, self.follow_soon)
        self._max_age_s = settings.hot_max_age_s
        self._sharing = threading.Lock()
        self._shared: tuple[float, HotView] | None = None
        self._storage = LocalStorage(settings.storage_root)
        self._target = f"{settings.ingestion_host}:{settings.ingestion_port}"
        self._source = HotSource(
            self._target,
            decoder=Decoder(),
            token=settings.internal_token.get_secret_value() or None,
            storage_root=settings.storage_root,
            snapshot_root=settings.snapshot_path or None,
            clock=clock,
            counted=partial(change_count, changes_file(Path(settings.wal_path).absolute())),
            is_asked=lambda: self._demand.needs_payload,
            limits=HotLimits(buffer_bytes_max=settings.bytes_of("hot_bytes_max")),
        )
        self._clock = clock
        self._lost = LostSpans(clock)
        self._confirm_due_s = 0.0
        self._seen: HotView | HotOutline | None = None
        self._problem = "not asked yet"
        self._noting = threading.Lock()
        self._is_ending = False
        self._follow_every_s = settings.hot_follow_interval_s
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def expect_end(self) -> None:
        """From now on it is no news that the service ceases to answer. From any thread."""
        self._is_ending = True

    def close(self) -> None:
        """Cancel what is under way and disconnect."""
        self._source.close()

    def flush(self) -> None:
        """Have the service put what is hot into files. Raises HotUnavailable."""
        self._source.flush()

    def ask(self) -> HotView:
        """What is hot now, or was as long ago as one snapshot is shared. Raises HotUnavailable."""
        if self._is_cheap:
            return self._ask()
        with self._sharing:
            now_s = self._clock.monotonic_s()
            if self._shared is not None and now_s - self._shared[0] < self._max_age_s:
                return self._shared[1]
            self._shared = None
            view = self._with_new_files(self._ask())
            if not self._is_cheap:
                self._shared = (now_s, view)
            return view

    def ask_at_once(self) -> HotView | None:
        """What is hot now, where that is known without asking the service."""
        view = self._source.unchanged() if self._is_cheap else None
        return None if view is None else self._noted(view)

    def _ask(self) -> HotView:
        try:
            view = self._source.now()
        except HotUnavailable as error:
            self._demand.note_question()
            self._note(error.message)
            raise
        return self._noted(view)

    def _noted(self, view: HotView) -> HotView:
        """Somebody asks, and the service answers with this; whoever lists it is noted too."""
        was_quiet = self._demand.note_question()
        self._note("")
        if was_quiet:
            self.follow_soon()
        return self._demand.telling(view)

    def _with_new_files(self, view: HotView) -> HotView:
        """The view with every file that was finished before it, where a listing can tell.

        A snapshot and the files below the storage root are all that its service has: it holds its
        log while it writes either. A stream is read while its service may flush, and services of
        that generation have removed spans from their log before the file had its name.
        """
        if view.source != "snapshot":
            return view
        try:
            found = self._find_new_files(view.recent_files)
        except IndexerError:
            return view  # it stays bounded; the sweep reports the storage
        return replace(
            view, recent_files=tuple(dict.fromkeys([*found, *view.recent_files])), bounded=False
        )

    def follow_soon(self) -> None:
        """Files were indexed, or somebody looks at the status: worth a look where one is cheap.

        From any thread.
        """
        if self._is_cheap and self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def follow_until(self, stop: asyncio.Event, reading: Reading) -> None:
        """Look at what is hot when there is a reason to, until ``stop``."""
        self._loop = asyncio.get_running_loop()
        while not stop.is_set():
            self._wake.clear()
            pause_s = FOLLOW_EVERY_S
            try:
                pause_s = await asyncio.to_thread(self.follow, reading)
            except Exception as error:  # noqa: BLE001 - logged, and looked at again in a second
                log(HOT_LOOK_FAILED, f"no look at the hot tier: {type(error).__name__}: {error}")
            await self._pause(stop, pause_s)
            await self._until_changed(stop)

    async def _pause(self, stop: asyncio.Event, pause_s: float) -> None:
        """As long as it says, or until there is a reason; but a second between two reasons."""
        await _either(stop, None, min(pause_s, FOLLOW_EVERY_S))
        await _either(stop, self._wake, pause_s - FOLLOW_EVERY_S)

    async def _until_changed(self, stop: asyncio.Event) -> None:
        """While lists are asked for: nothing is to be looked at before something comes or goes."""
        until_s = self._clock.monotonic_s() + FOLLOW_EVERY_S
        while self._demand.is_listed and self._source.unchanged() is not None:
            if stop.is_set() or self._clock.monotonic_s() >= until_s:
                return
            await asyncio.sleep(CHANGES_EVERY_S)

    def follow(self, reading: Reading) -> float:
        """One look at what is hot, and its decoding; seconds until the next one."""
        before, now_s, confirmed = self._seen, self._clock.monotonic_s(), 0
        try:
            seen = self._look()
            if now_s >= self._confirm_due_s:
                self._confirm_due_s = now_s + FOLLOW_EVERY_S
                with reading() as cursor:
                    confirmed = self._confirm(cursor, seen.recent_files)
                    self._lost.find(cursor, seen)
        except HotUnavailable as error:
            self._note(error.message)
            return FOLLOW_EVERY_S  # nobody is asked before the breaker lets it through
        self._note("")
        if confirmed and seen.bounded:  # the next look is told of older files
            return FOLLOW_EVERY_S
        if isinstance(seen, HotOutline) or not self._is_cheap or not self._demand.is_asked:
            return self._follow_every_s
        if not self._demand.is_listed:
            return FOLLOW_EVERY_S
        self._decode(seen.rows)
        grows = not isinstance(before, HotView) or before.rows.count() != seen.rows.count()
        took_s = self._clock.monotonic_s() - now_s
        if grows or self._source.unchanged() is not None:
            return max(KEEP_UP_EVERY_S - took_s, PAUSE_OF_LOOK * took_s)
        return FOLLOW_EVERY_S

    def _decode(self, rows: HotRows) -> None:
        """What is asked for is at hand for the next question."""
        if self._demand.needs_payload:
            rows.table()
        read = self._demand.metadata
        if read is not None:
            rows.metadata(read)

    def _look(self) -> HotView | HotOutline:
        """Of all hot spans while somebody asks, and where there is no other way."""
        seen: HotView | HotOutline
        if self._is_cheap and not self._demand.is_asked:
            seen = self._source.outline(with_sample=self._lost.is_due)
        else:
            seen = self._source.now()
        self._seen = seen
        return seen

    @property
    def _is_cheap(self) -> bool:
        """Whether a look brings what is new alone. Others make the service write or send it all."""
        return self._source.chosen == "incremental"

    def status(self) -> dict[str, Any]:
        """For ``status``."""
        seen = self._seen
        return {
            "target": self._target,
            "reachable": not self._problem,
            "problem": self._problem,
            "source": self._source.chosen,
            "spans": _count(seen),
            "recent_files": 0 if seen is None else len(seen.recent_files),
            "lost_spans": self._lost.count,
            "lost_traces": list(self._lost.traces),
        }

    def _confirm(self, cursor: duckdb.DuckDBPyConnection, recent_files: Sequence[str]) -> int:
        """Tell the service which of its files are in the index; how many."""
        keys = key_numbers(cursor).values()
        known = known_files(cursor, self._storage, recent_files, keys)
        indexed = [path for path in recent_files if known(path)]
        if not self._is_cheap or not indexed:
            return 0
        self._source.confirm(indexed)
        return len(indexed)

    def _note(self, problem: str) -> None:
        """Log when the service begins to answer and when it ceases to."""
        with self._noting:
            before, self._problem = self._problem, problem
        if self._is_ending:
            return
        if problem and not before:
            log(HOT_LOST, f"the hot tier does not answer: {problem}")
        elif problem and before == "not asked yet":
            log(HOT_UNREACHABLE, f"the hot tier does not answer yet: {problem}")
        elif before and not problem:
            log(HOT_REACHED, f"the hot tier answers ({self._source.chosen})")


def _count(seen: HotView | HotOutline | None) -> int:
    if seen is None:
        return 0
    return seen.span_count if isinstance(seen, HotOutline) else seen.rows.count()


async def _either(stop: asyncio.Event, other: asyncio.Event | None, pause_s: float) -> None:
    """Until one of them is set, or so long."""
    waiting = [asyncio.ensure_future(one.wait()) for one in (stop, other) if one is not None]
    await asyncio.wait(waiting, timeout=max(0.0, pause_s), return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
