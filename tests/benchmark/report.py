"""One line for each thing measured, as a table for people and as JSON for comparing runs.

A bound is stated beside the number it holds for, and nobody but this module decides whether it
is met.
"""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

_PACKAGES = ("duckdb", "pyarrow", "numpy", "watchfiles", "uvicorn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A number with its unit, what it is compared with, and the bound on one of the two.

    The bound is on ``ratio`` where something is compared, and on ``measured`` otherwise.
    """

    name: str
    measured: float
    unit: str
    compared: float | None = None
    compared_with: str = ""
    ratio: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def bound(self) -> str:
        """The bound as text."""
        suffix = "x" if self.compared is not None else f" {self.unit}"
        if self.at_least is not None and self.at_least == self.at_most:
            return f"= {self.at_least:g}{suffix}"
        if self.at_least is not None:
            return f">= {self.at_least:g}{suffix}"
        return f"<= {self.at_most:g}{suffix}" if self.at_most is not None else ""

    @property
    def met(self) -> bool | None:
        """Whether the bound is met; None without one."""
        value = self.ratio if self.compared is not None else self.measured
        if value is None or (self.at_least is None and self.at_most is None):
            return None
        low = -np.inf if self.at_least is None else self.at_least
        high = np.inf if self.at_most is None else self.at_most
        return bool(low <= value <= high)

    def as_json(self) -> dict[str, Any]:
        """All of it, with the verdict."""
        return {**asdict(self), "bound": self.bound, "met": self.met}


def percentile(values: Sequence[float], percent: float) -> float:
    """A percentile of what was measured, between neighbours in proportion."""
    return float(np.percentile(np.array(values), percent))


def median(values: Sequence[float]) -> float:
    """The middle of what was measured."""
    return percentile(values, 50)


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / (1 << 30), 1),
        "load": round(os.getloadavg()[0], 2),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def show(lines: Sequence[Line], *, small: bool) -> None:
    """Print the table."""
    title = "Small run: it shows that the benchmark works, its bounds are for the full one"
    table = Table(title=title if small else None, title_justify="left")
    for heading in ("name", "measured", "compared with", "ratio", "bound", "met"):
        right = heading in {"measured", "ratio"}
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for line in lines:
        compared = "" if line.compared is None else f"{_number(line.compared)} {line.unit}"
        table.add_row(
            line.name,
            f"{_number(line.measured)} {line.unit}",
            f"{line.compared_with} {compared}".strip(),
            "" if line.ratio is None else f"{line.ratio:.2f}",
            line.bound,
            {None: "", True: "yes", False: "no"}[line.met],
        )
    console = Console()
    console = console if console.is_terminal else Console(width=150)
    console.print(table)


def _number(value: float) -> str:
    digits = 0 if abs(value) >= 1_000 or value == int(value) else 1 if abs(value) >= 10 else 3
    return f"{value:,.{digits}f}"


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
