"""What the start of a command costs, in processor time: beside that of the engines it needs.

A command that the worker answers loads none of them, and is held against seconds on the clock.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmark.plan import PROJECT, Plan, environment
from tests.benchmark.report import Line, median
from tests.support.served import StubHost, serving
from tests.support.span_files import spans, write

ENGINES = "import duckdb, pyarrow, pyarrow.compute, pyarrow.parquet"
ANSWERED_S = 0.25
OF_ENGINES = 1.3
COMMANDS = {
    "status": ["status"],
    "sql": ["sql", "SELECT 1 AS one"],
    "search": ["search", "--limit", "1"],
    "trace": ["trace", f"{1:032x}"],
    "services": ["services"],
}
"""Those that open the catalog where no worker runs."""


def measure(plan: Plan) -> list[Line]:
    """A line for the answered command, and one for each that opens the catalog."""
    rounds = 4 * plan.rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "spans"
        root.mkdir()
        write(root / "a.parquet", spans(3))
        environ = environment(root, folder / "index.duckdb")
        _run(["-m", "indexer", "--once", "--json"], environ)
        turns = [
            {
                "engines": _run(["-c", ENGINES], environ)[1],
                **{one: _run(["-m", "indexer", *COMMANDS[one]], environ)[1] for one in COMMANDS},
            }
            for _ in range(rounds)
        ]
        lines = [_compared(one, turns) for one in COMMANDS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environ = environment(folder, folder / "index.duckdb")
        status = {"state": "running", "healthy": True, "problems": []}
        with serving(host=StubHost(**status), socket_folder=folder):
            took = [_run(["-m", "indexer", "status"], environ) for _ in range(rounds)]
    answered = Line(
        name="start, a command that the worker answers",
        measured=median([one for one, _ in took]),
        unit="s",
        at_most=ANSWERED_S,
        details={"processor_s": [one for _, one in took]},
    )
    return [answered, *lines]


def _compared(command: str, turns: list[dict[str, float]]) -> Line:
    ours = median([turn[command] for turn in turns])
    theirs = median([turn["engines"] for turn in turns])
    return Line(
        name=f"start, {command} over the catalog",
        measured=ours,
        unit="processor s",
        compared=theirs,
        compared_with="imports of DuckDB and Arrow",
        ratio=median([turn[command] / turn["engines"] for turn in turns]),
        at_most=OF_ENGINES,
        details={"turns": turns},
    )


def _run(arguments: list[str], environ: dict[str, str]) -> tuple[float, float]:
    """(seconds, processor seconds) of a process that ends well."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{arguments}: {process.returncode}\n{said.decode()[-2000:]}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime
