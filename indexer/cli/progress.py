"""How far a one-shot run is: a bar on a terminal, JSON lines otherwise."""

import json
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

from indexer.index.pipeline import Pipeline
from indexer.model import Progress

INTERVAL_S = 1.0


class ProgressReport:
    """Follows a pipeline from a thread of its own, so that the pipeline knows nothing of it."""

    def __init__(self, *, as_json: bool) -> None:
        self._bar = None if as_json or not sys.stderr.isatty() else _bar()
        self._pipeline: Pipeline | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="progress")
        self._started = time.monotonic()
        self.quarantined = 0

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
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
            self._bar.stop()

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
        pending = 0 if finished or self._pipeline is None else len(self._pipeline.backlog)
        total = counters.files_registered + counters.files_quarantined + pending
        rate = counters.spans_registered / max(elapsed_s, 1e-9)
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(
                task,
                completed=counters.files_registered + counters.files_quarantined,
                total=max(total, 1),
                rate=f"{rate:,.0f} spans/s",
            )
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


def _bar() -> Any:
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
    from rich.progress import (  # noqa: PLC0415 - same
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("indexing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files  {task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    bar.add_task("index", total=None, rate="")
    return bar
