"""A sender's load on a running ingestion, and the questions that a dashboard asks beside it."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.benchmark.embedded import Embedded
from tests.benchmark.export_bodies import SPANS, TRACE_SPANS, trace_ids
from tests.benchmark.plan import PROJECT
from tests.benchmark.question import Question

QUERY_PAUSE_S = 0.1
RECENT_REQUESTS = 200
"""A question is about one of the last so many requests: ten seconds of them at 10,000 spans/s."""
ENDED_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Something that ended at a time and took so long."""

    unix_s: float
    milliseconds: float


class Sending:
    """A sender's process, and what it has told so far."""

    def __init__(self, target: str, *, seed: int, seconds: float, rate: float | None) -> None:
        self.seed = seed
        command = [sys.executable, "-m", "tests.benchmark.sender", target]
        command += ["--seed", str(seed), "--seconds", str(seconds)]
        command += ["--rate", str(rate)] if rate else []
        self.exports: list[Timed] = []
        self.recent: deque[int] = deque(maxlen=RECENT_REQUESTS)
        self.facts: dict[str, Any] = {}
        self._process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return not self._thread.is_alive()

    @property
    def acknowledged(self) -> int:
        """Spans."""
        return len(self.exports) * SPANS

    @property
    def rate(self) -> float:
        """Acknowledged spans a second, from the first request to the last answer."""
        began_s: float = self.facts["began_unix_s"]
        return self.acknowledged / (self.exports[-1].unix_s - began_s)

    def ended(self) -> None:
        """Wait until it has. Fails unless it ended well."""
        self._thread.join()
        assert self._process.wait(ENDED_WITHIN_S) == 0, "the sender failed"
        assert self.facts, "the sender did not finish"
        assert self.exports, "nothing was acknowledged"

    def kill(self) -> None:
        """End it, however far it is."""
        self._process.kill()
        self._process.wait()
        self._thread.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                if line.startswith("{"):
                    self.facts = json.loads(line)
                else:
                    number, unix_s, milliseconds = line.split()
                    self.recent.append(int(number))
                    self.exports.append(
                        Timed(unix_s=float(unix_s), milliseconds=float(milliseconds))
                    )


class Asking:
    """Questions about traces that were acknowledged just before, one every tenth of a second."""

    def __init__(self, running: Embedded, sending: Sending) -> None:
        self._running, self._sending = running, sending
        self.answers: list[Timed] = []
        self.incomplete = 0
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def ended(self) -> None:
        """Wait for the last answer. Raises what went wrong."""
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        question, chance = Question(self._running.socket_file), random.Random(1)
        try:
            while not self._sending.is_over:
                if self._sending.recent:
                    self._ask(question, chance)
                time.sleep(QUERY_PAUSE_S)
        except BaseException as error:
            self.failure = error
        finally:
            question.close()

    def _ask(self, question: Question, chance: random.Random) -> None:
        number = chance.choice(list(self._sending.recent))
        trace_id = chance.choice(trace_ids(self._sending.seed, number))
        started = time.perf_counter()
        answer = question.ask(f"/api/v1/traces/{trace_id}")
        taken_ms = (time.perf_counter() - started) * 1e3
        self.answers.append(Timed(unix_s=time.time(), milliseconds=taken_ms))
        self.incomplete += len(answer["spans"]) != TRACE_SPANS or not answer["complete"]


@contextmanager
def sending(
    running: Embedded, *, seed: int, seconds: float, rate: float | None
) -> Iterator[Sending]:
    """A sender that does not outlive the measurement."""
    one = Sending(running.otlp, seed=seed, seconds=seconds, rate=rate)
    try:
        yield one
    finally:
        one.kill()
