"""What an ``up`` takes on which nothing happens, how soon it answers, and how soon it says no.

Memory is that of all its processes together, with pages that several share counted once. The
start is held against a process that imports what the worker had imported when it first answered.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from indexer.clients.unix_socket import socket_path
from tests.benchmark.embedded import embedded, embedded_environment
from tests.benchmark.panels import API, connection
from tests.benchmark.plan import PROJECT, Plan, environment, scratch
from tests.benchmark.question import Question
from tests.benchmark.report import Line, median, percentile
from tests.support.span_files import spans, write

MIB_AT_MOST = 150.0
PERCENT_AT_MOST = 0.5
OF_IMPORTS_AT_MOST = 2.0
SETTLES_S = 3.0
"""What a start leaves to be done, such as the first look at the hot tier."""
UNKNOWN = 500
STARTED_WITHIN_S = 60.0
_IMPORT = """
import importlib, sys
for name in sys.stdin.read().split():
    try:
        importlib.import_module(name)
    except Exception:
        pass
print("imported", flush=True)
"""


def measure(plan: Plan) -> list[Line]:
    """The idle ``up``, what it says of an unknown trace, and its start."""
    with scratch("idle") as folder, embedded(folder, over_http=True) as running:
        time.sleep(SETTLES_S)
        before, woken = running.parts.processor_s(), running.parts.wakeups()
        time.sleep(plan.idle_s)
        used = {
            part: round(100 * (s - before.get(part, 0.0)) / plan.idle_s, 3)
            for part, s in running.parts.processor_s().items()
        }
        wakeups = {
            part: round((count - woken.get(part, 0)) / plan.idle_s, 1)
            for part, count in running.parts.wakeups().items()
        }
        pss, rss = running.parts.pss_mib(), running.parts.rss_mib()
        unknown = _unknown(running.http)
    return [
        Line(
            name="memory of an idle up",
            measured=sum(pss.values()),
            unit="MiB",
            at_most=MIB_AT_MOST,
            details={"by_part": pss, "rss_by_part": rss, "sum_of_rss_mib": sum(rss.values())},
        ),
        Line(
            name="processor of an idle up",
            measured=sum(used.values()),
            unit="% of a core",
            at_most=PERCENT_AT_MOST,
            details={"by_part": used, "wakeups_a_second": wakeups},
        ),
        unknown,
        *_starts(plan),
    ]


def _unknown(address: tuple[str, int]) -> Line:
    """A trace that nobody has sent, asked for over HTTP by one client."""
    drawn, taken, said = random.Random(1), [], set()
    with closing(connection(address)) as client:
        for _ in range(UNKNOWN):
            path = f"{API}/traces/{drawn.getrandbits(128):032x}/spans"
            started = time.perf_counter()
            client.request("GET", path)
            answer = client.getresponse()
            body = answer.read()
            taken.append((time.perf_counter() - started) * 1e3)
            said.add((answer.status, body[:100].decode()))
    return Line(
        name="an unknown trace, p50 of one client",
        measured=median(taken),
        unit="ms",
        details={"p99_ms": round(percentile(taken, 99), 3), "answers": sorted(said)},
    )


def _starts(plan: Plan) -> list[Line]:
    commands: dict[str, list[str]] = {"the worker": [], "up": ["up"]}
    took: dict[str, list[float]] = {name: [] for name in commands}
    imports: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "spans").mkdir()
        write(folder / "spans" / "a.parquet", spans(3))
        catalog = folder / "index.duckdb"
        environ = environment(folder / "spans", catalog)
        modules = _modules(catalog, environ)
        for _ in range(2 * plan.rounds):
            imports.append(_imported(modules, environ))
            took["the worker"].append(_answered([], catalog, environ))
            beside = embedded_environment(folder)[0]
            took["up"].append(_answered(["up"], catalog, beside))
    floor = median(imports)
    return [
        Line(
            name=f"start of {command} to its first answer",
            measured=median(seconds),
            unit="s",
            compared=floor,
            compared_with="importing what the worker imports",
            ratio=median(seconds) / floor,
            at_most=OF_IMPORTS_AT_MOST,
            details={"turns": seconds, "imports": imports, "modules": len(modules)},
        )
        for command, seconds in took.items()
    ]


def _answered(
    command: list[str],
    catalog: Path,
    environ: Mapping[str, str],
    *options: str,
    said: Path | None = None,
) -> float:
    """Seconds from the start of the process until a question is answered; then it is stopped."""
    target = os.path.relpath(socket_path(catalog))  # a socket's path must be short
    with open(said or os.devnull, "w") as errors:
        began_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *options, "-m", "indexer", *command],
            cwd=PROJECT,
            env=environ,
            stderr=errors,
        )
        try:
            while True:
                assert process.poll() is None, "it ended while it started"
                assert time.perf_counter() - began_s < STARTED_WITHIN_S, "it did not start"
                try:
                    with closing(Question(target)) as question:
                        question.ask("/api/v1/services")
                        return time.perf_counter() - began_s
                except OSError:
                    time.sleep(0.005)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STARTED_WITHIN_S)


def _modules(catalog: Path, environ: Mapping[str, str]) -> list[str]:
    """What the worker has imported by its first answer, in order."""
    said = catalog.with_name("imports.txt")
    _answered([], catalog, environ, "-X", "importtime", said=said)
    lines = [line for line in said.read_text().splitlines() if line.startswith("import time:")]
    return [line.rpartition("|")[2].strip() for line in lines[1:]]


def _imported(modules: Sequence[str], environ: Mapping[str, str]) -> float:
    """Seconds of a process that imports them and does nothing else, until it has."""
    began_s = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _IMPORT],
        cwd=PROJECT,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n".join(modules))
    process.stdin.close()
    assert process.stdout.readline() == "imported\n"
    took_s = time.perf_counter() - began_s
    process.stdout.close()
    process.wait(STARTED_WITHIN_S)
    return took_s
