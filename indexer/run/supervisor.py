"""Tasks that live as long as their process: one that dies is logged, shown, and not just missing.

It is begun again, later and later while it keeps dying; or, where the process is of no use without
it, everything is stopped in order and the process ends with the reason.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from indexer.deferred_dataclass import dataclass
from indexer.system import retry
from indexer.system.clock import Clock
from indexer.system.counted_nouns import counted
from indexer.telemetry.log import TASK_DIED, log_fault

STEADY_S = 10.0
"""A task that has run for so long since it was begun again is well."""


@dataclass(frozen=True, slots=True)
class _Death:
    reason: str
    failures: int
    begun_again_s: float | None
    """None until it is."""


class Supervisor:
    """Keeps tasks running until ``stop``."""

    def __init__(self, clock: Clock, stop: asyncio.Event) -> None:
        self._clock = clock
        self._stop = stop
        self._deaths: dict[str, _Death] = {}
        self.fatal = ""
        """Why the process has to end; empty when it has not."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The tasks that died and are not well again."""
        return tuple(
            f"the task {name!r} died {counted(death.failures, 'time')}: {death.reason}"
            for name, death in self._deaths.items()
            if not self._is_well(death)
        )

    async def keep(
        self, name: str, run: Callable[[], Awaitable[None]], *, essential: bool = False
    ) -> None:
        """Run it until ``stop``, and again should it end before. Raises nothing of the task's."""
        while not self._stop.is_set():
            fault = await _outcome(run)
            if self._stop.is_set() and fault is None:
                return
            self._note(name, fault or RuntimeError("it ended by itself"))
            if essential:
                self.fatal = f"{name} died: {self._deaths[name].reason}"
                self._stop.set()
                return
            await self._pause(retry.TASK.pause_s(self._deaths[name].failures))
            death = self._deaths[name]
            self._deaths[name] = _Death(death.reason, death.failures, self._clock.monotonic_s())

    def _note(self, name: str, fault: Exception) -> None:
        before = self._deaths.get(name)
        failures = 1 if before is None or self._is_well(before) else before.failures + 1
        reason = f"{type(fault).__name__}: {fault}"
        self._deaths[name] = _Death(reason, failures, None)
        log_fault(TASK_DIED, f"the task {name!r} died: {reason}", fault)

    def _is_well(self, death: _Death) -> bool:
        begun_s = death.begun_again_s
        return begun_s is not None and self._clock.monotonic_s() - begun_s >= STEADY_S

    async def _pause(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), pause_s)


async def _outcome(run: Callable[[], Awaitable[None]]) -> Exception | None:
    try:
        await run()
    except Exception as fault:  # noqa: BLE001 - logged by the caller with its traceback
        return fault
    return None
