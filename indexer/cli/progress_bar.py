"""A bar on a terminal's standard error: what is done, of how much, how fast, how long it takes.

Log lines go above it, because both are written to one console.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from indexer.deferred_dataclass import dataclass
from indexer.telemetry.log import drawing_on, error_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class Bar:
    """One task at a time; a task with another name begins a line of its own."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        console = error_console()
        self._progress = _progress(console)
        self._drawing = drawing_on(console)
        self._tasks: dict[str, _Task] = {}

    def __enter__(self) -> Self:
        self._drawing.__enter__()
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
        self._drawing.__exit__(kind, error, trace)

    def show(self, doing: str, done: int, total: int, rate: str = "") -> None:
        """So much is done of what is known by now; a total of 0 is not known yet."""
        task = self._tasks.get(doing) or self._begin(doing)
        task.first_total = task.first_total or total
        grown = total - task.first_total
        of = f"{done:,}/{total:,} {self._unit}" if total else ""
        of += f", {grown:,} came since" if grown > 0 else ""
        self._progress.update(task.number, completed=done, total=total or None, of=of, rate=rate)

    def _begin(self, doing: str) -> "_Task":
        """A line for it, instead of those that have never known a total."""
        for name in [name for name, task in self._tasks.items() if not task.first_total]:
            self._progress.remove_task(self._tasks.pop(name).number)
        number = self._progress.add_task(doing, total=None, of="", rate="")
        task = self._tasks[doing] = _Task(number)
        return task


@dataclass(slots=True)
class _Task:
    """A line of the bar."""

    number: "TaskID"
    first_total: int = 0
    """What was known first; what is more came since."""


def _progress(console: "Console") -> "Progress":
    from rich.progress import (  # noqa: PLC0415 - only a terminal pays for it
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[of]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )
