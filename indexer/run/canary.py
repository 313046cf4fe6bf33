"""Spans of our own, now and then, from their export until a question finds them: how fresh we are.

Each goes the way of every span, as OTLP over HTTP into the log, and is asked for as a dashboard
asks. It stays in the store like any other span.
"""

import asyncio
import math
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.errors import IndexerError, InvalidSettings
from indexer.query.answers import Answers
from indexer.run.otlp_sender import OtlpAddress
from indexer.settings import Settings
from indexer.system.clock import Clock
from indexer.telemetry import metrics
from indexer.telemetry.log import CANARY_LOST
from indexer.telemetry.log_rate import log_rarely

SERVICE = "span-indexer-canary"
FOUND_WITHIN_S = 30.0
"""Later it counts as missing: a dashboard would have been closed."""
KEPT = 300
"""Quantiles are of so many canaries, the latest."""
PAUSE_S, PAUSE_S_MAX = 0.002, 0.1
"""Between two questions: the first pause, and what it grows to by doubling."""


class Canary:
    """Sends one span after the other, and measures each until it is found."""

    def __init__(
        self,
        send: Callable[[bytes], object],
        is_found: Callable[[str], bool],
        clock: Clock,
        *,
        every_s: float,
    ) -> None:
        """``send`` exports a request, ``is_found`` asks for a trace; both raise IndexerError."""
        self._send = send
        self._is_found = is_found
        self._clock = clock
        self._every_s = every_s
        self._took_s: deque[float] = deque(maxlen=KEPT)

    async def run(self, stop: asyncio.Event) -> None:
        """One canary at a time until ``stop``, each begun ``every_s`` after the last at least."""
        while not stop.is_set():
            began_s = self._clock.monotonic_s()
            await asyncio.to_thread(self.measure, stop.is_set)
            pause_s = self._every_s - (self._clock.monotonic_s() - began_s)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, pause_s))

    def measure(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Send one and ask for it until it is found, ``FOUND_WITHIN_S`` at most."""
        trace = os.urandom(16)
        began_s = self._clock.monotonic_s()
        try:
            self._send(_request(trace, self._clock.now_unix_nano()))
        except IndexerError as error:
            _count("refused", f"a canary span was not accepted: {error.message}")
            return
        pause_s = PAUSE_S
        while not self._finds(trace.hex()):
            if stopped():
                return
            if self._clock.monotonic_s() - began_s >= FOUND_WITHIN_S:
                reason = f"not found within {FOUND_WITHIN_S:.0f} s"
                _count("missing", f"the canary span of trace {trace.hex()} was {reason}")
                return
            self._clock.sleep_s(pause_s)
            pause_s = min(2 * pause_s, PAUSE_S_MAX)
        self._took_s.append(self._clock.monotonic_s() - began_s)
        metrics.CANARIES.labels(outcome="found").inc()
        metrics.set_canary_quantiles(lambda share: quantile(sorted(self._took_s), share))

    def _finds(self, trace_id: str) -> bool:
        """An answer that fails is one in which it is not."""
        with suppress(IndexerError):
            return self._is_found(trace_id)
        return False


def canary(settings: Settings, clock: Clock, answers: Callable[[], Answers]) -> Canary:
    """As the settings say; into this program's own receiver. Raises InvalidSettings without one."""
    listen = settings.otlp_http_listen
    if not listen or listen.endswith(":0"):
        raise InvalidSettings(
            f"INDEXER_CANARY_INTERVAL needs a port of OTLP over HTTP, got {listen!r}",
            hint="Set INGESTION_OTLP_HTTP_LISTEN, or unset INDEXER_CANARY_INTERVAL.",
        )
    token = settings.api_key.get_secret_value()
    address = OtlpAddress(listen, token=token, sleep=lambda _: None, lasting_s=0.0)
    return Canary(
        address.send,
        lambda trace_id: bool(answers().trace(trace_id, payload=False).spans),
        clock,
        every_s=settings.canary_interval_s,
    )


def quantile(ascending: list[float], share: float) -> float:
    """The nearest-rank quantile."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def _request(trace_id: bytes, unix_nano: int) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = SERVICE
    group.scope_spans.add().spans.add(
        trace_id=trace_id,
        span_id=os.urandom(8),
        name="canary",
        start_time_unix_nano=unix_nano,
        end_time_unix_nano=unix_nano,
    )
    return request.SerializeToString()


def _count(outcome: str, message: str) -> None:
    metrics.CANARIES.labels(outcome=outcome).inc()
    log_rarely(CANARY_LOST, message)
