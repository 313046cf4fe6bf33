"""How far a one-shot run is: a bar on a terminal, JSON lines otherwise."""

import json
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

from indexer.cli.progress_bar import Bar
from indexer.index.pipeline import Pipeline
from indexer.model import Progress

INTERVAL_S = 1.0


class ProgressReport:
    """Follows a pipeline from a thread of its own, so that the pipeline knows nothing of it."""

    def __init__(self, *, as_json: bool) -> None:
        self._bar = None if as_json or not sys.stderr.isatty() else Bar("files")
        self._pipeline: Pipeline | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="progress")
        self._started = time.monotonic()
        self.quarantined = 0

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)

    def follow(self, pipeline: Pipeline) -> None:
        """Report on this pipeline from now on."""
        self._pipeline = pipeline

    def finish(self, counters: Progress) -> None:
        """The last report of a run that ended."""
        pipeline = self._pipeline
        self.quarantined = len(pipeline.register.refused) if pipeline else 0
        self._show(counters, finished=True)

    def _run(self) -> None:
        while not self._done.wait(INTERVAL_S):
            if self._pipeline is not None:
                self._show(self._pipeline.progress, finished=False)

    def _show(self, counters: Progress, *, finished: bool) -> None:
        elapsed_s = time.monotonic() - self._started
        done = counters.files_registered + counters.files_quarantined
        total = done if finished or self._pipeline is None else done + len(self._pipeline.backlog)
        rate = counters.spans_registered / max(elapsed_s, 1e-9)
        if self._bar is not None:
            doing = "indexing" if total else "listing"
            if total and done == total and not finished:
                doing = "attributes"  # the second pass, over files that are registered
            self._bar.show(doing, done, total, f"{rate:,.0f} spans/s")
            return
        line: dict[str, Any] = {
            "event": "finished" if finished else "progress",
            "files": counters.files_registered,
            "files_total": total,
            "files_quarantined": self.quarantined if finished else counters.files_quarantined,
            "files_removed": counters.files_removed,
            "spans": counters.spans_registered,
            "spans_per_second": round(rate),
            "seconds": round(elapsed_s, 3),
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
