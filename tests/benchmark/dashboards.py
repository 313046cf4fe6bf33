"""What a dashboard waits for: the questions of Junjo's front end over HTTP, beside a scan.

A real worker, its real port, and clients on connections that stay open, each asking its next
question when it has the answer to the last. A file of 20,000 spans arrives every second all the
while, so nothing is answered from a catalog at rest. Once no more arrive, DuckDB is asked the same
over the same files, and both must answer the same.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from tests.benchmark.arrivals import NEWEST, Arrival, arriving, make_arrivals
from tests.benchmark.corpus import Corpus, corpus, relative_path
from tests.benchmark.panels import API, PANELS, Asked, Panel, Subjects, ask, connection, same
from tests.benchmark.plan import OUTPUT, PROJECT, Plan, environment, scratch
from tests.benchmark.processes import index_once
from tests.benchmark.report import Line, median, percentile
from tests.support.processes import free_ports

CLIENTS = (1, 16)
READY_WITHIN_S = 120.0
SETTLED_WITHIN_S = 60.0


def measure(plan: Plan) -> list[Line]:
    """Every panel on every corpus, one client and many."""
    lines = []
    for shape in plan.dashboards:
        made = corpus(OUTPUT / "corpora", shape)
        made.warm()
        with scratch("dashboards") as folder:
            lines += _Run(folder, made, plan).lines()
    return lines


class _Run:
    """One corpus, one worker over links to its files, and what arrives beside them."""

    def __init__(self, folder: Path, made: Corpus, plan: Plan) -> None:
        self._folder, self._corpus, self._plan = folder, made, plan
        self._storage = folder / "spans"
        self._catalog = folder / "index.duckdb"
        self._link()
        index_once(Corpus(made.shape, self._storage), self._catalog, promoted=True)
        self._arriving = self._arrivals()

    def lines(self) -> list[Line]:
        with _worker(self._storage, self._catalog) as address:
            subjects = Subjects(self._corpus.shape, address)
            with arriving(self._arriving):
                times = {
                    (panel, clients): _asked(panel, subjects, address, clients, self._plan.panel_s)
                    for clients in CLIENTS
                    for panel in PANELS
                }
            _settled(address, self._storage)
            scans = self._scanned(subjects, address)
        return [
            line
            for (panel, clients), taken in times.items()
            for line in self._of(panel, clients, taken, scans[panel])
        ]

    def _link(self) -> None:
        """Links: a folder of its own that costs no disk."""
        for file, path in enumerate(self._corpus.paths):
            link = self._storage / relative_path(self._corpus.shape, file)
            link.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, link)

    def _arrivals(self) -> list[Arrival]:
        """A file for every second in which there is a question."""
        seconds = int(len(CLIENTS) * len(PANELS) * (self._plan.panel_s + 5))
        shape = replace(NEWEST, files=seconds, spans=self._plan.arriving_spans)
        return make_arrivals(shape, self._storage, self._folder / "made")

    def _scanned(self, subjects: Subjects, address: tuple[str, int]) -> dict[Panel, list[float]]:
        """Milliseconds of each panel's scans, whose answers are the worker's."""
        with duckdb.connect() as database:
            database.execute("SET threads = 2")
            database.execute("SET TimeZone = 'UTC'")
            glob = str(self._storage / "**" / "*.parquet").replace("'", "''")
            database.execute(f"CREATE VIEW spans AS FROM read_parquet('{glob}')")
            taken: dict[Panel, list[float]] = {}
            for panel in PANELS:
                for _ in range(self._plan.scans):
                    drawn = panel.draw(subjects)
                    rows, ms = _scan(database, panel, drawn)
                    with closing(connection(address)) as client:  # an idle one has been closed
                        answer = ask(client, panel.path.format(**drawn))
                    assert answer.complete, f"{panel.name} of {drawn} is not complete"
                    alike = same(rows, json.loads(answer.body))
                    assert alike, f"{panel.name} of {drawn} differs"
                    taken.setdefault(panel, []).append(ms)
        return taken

    def _of(
        self, panel: Panel, clients: int, taken: list[Asked], scans: list[float]
    ) -> Iterator[Line]:
        theirs = median(scans)
        for percent, bound in ((50, panel.p50_at_most), (99, panel.p99_at_most)):
            ours = percentile([one.ms for one in taken], percent)
            shape = self._corpus.shape
            yield Line(
                name=f"p{percent} of {panel.name}, {clients} at once, "
                f"{shape.total / 1e6:g}M spans in {shape.files:,} files",
                measured=ours,
                unit="ms",
                at_most=bound,
                details={
                    "questions": len(taken),
                    "index_ms": median([one.index_ms for one in taken]),
                    "payload_ms": median([one.payload_ms for one in taken]),
                    "bytes": median([len(one.body) for one in taken]),
                    "complete": sum(one.complete for one in taken) / len(taken),
                    "a_second": round(len(taken) / self._plan.panel_s, 1),
                    "scan_ms": round(theirs, 1),
                    "times_as_fast_as_the_scan": round(theirs / ours, 1),
                },
            )


def _asked(
    panel: Panel, subjects: Subjects, address: tuple[str, int], clients: int, seconds: float
) -> list[Asked]:
    """Each question that the clients asked in so many seconds, and in any case one each."""

    def run(_: int) -> list[Asked]:
        taken: list[Asked] = []
        with closing(connection(address)) as client:
            ask(client, panel.path.format(**panel.draw(subjects)))
            ends = time.monotonic() + seconds
            while not taken or time.monotonic() < ends:
                taken.append(ask(client, panel.path.format(**panel.draw(subjects))))
        return taken

    with ThreadPoolExecutor(clients) as pool:
        return [one for taken in pool.map(run, range(clients)) for one in taken]


def _scan(
    connection: duckdb.DuckDBPyConnection, panel: Panel, drawn: dict[str, str]
) -> tuple[list[dict[str, Any]], float]:
    started = time.perf_counter()
    values = list(drawn.values()) if "?" in panel.sql else []
    cursor = connection.execute(panel.sql, values)
    rows = cursor.fetchall()
    ms = (time.perf_counter() - started) * 1e3
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in rows], ms


@contextmanager
def _worker(storage: Path, catalog: Path) -> Iterator[tuple[str, int]]:
    address = ("127.0.0.1", free_ports(1)[0])
    environ = environment(storage, catalog) | {"INDEXER_HTTP_LISTEN": f"127.0.0.1:{address[1]}"}
    process = subprocess.Popen([sys.executable, "-m", "indexer"], cwd=PROJECT, env=environ)
    try:
        _wait(lambda: _is_ready(address), READY_WITHIN_S, "the worker is not ready")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(READY_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _is_ready(address: tuple[str, int]) -> bool:
    try:
        with closing(connection(address)) as client:
            client.request("GET", "/readyz")
            return client.getresponse().status == 200
    except OSError:
        return False


def _settled(address: tuple[str, int], storage: Path) -> None:
    """Wait until every file that has arrived is in the index."""
    arrived = sum(1 for _ in storage.rglob("*.parquet"))
    with closing(connection(address)) as client:

        def indexed() -> int:
            client.request("GET", "/status")
            found: int = json.loads(client.getresponse().read())["files"]
            return found

        _wait(lambda: indexed() == arrived, SETTLED_WITHIN_S, "files are not indexed")
        workflows = f"{API}/services/assistant/workflows?limit=1"
        _wait(lambda: ask(client, workflows).complete, SETTLED_WITHIN_S, "attributes are not")


def _wait(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, otherwise
        time.sleep(0.1)
