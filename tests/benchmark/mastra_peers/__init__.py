"""Other stores of the same spans over DuckDB, each in a process of its own, in the same batches.

They are set up by ``make bench-peers``: npm's ``@mastra/duckdb`` where there is Node, and
``fuju-trace-duckdb``. One that is not there is left out, and its absence is written to stderr.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark.mastra_spans import Volume, batches, trace_id, updates
from tests.benchmark.plan import PROJECT

SETUP = PROJECT / ".venv-peers"
HERE = Path(__file__).parent
TIMEOUT_S = 150
DELETED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A store of somebody else."""

    name: str
    needed: Path
    command: list[str]
    """To be followed by what to do and by the path of a new database."""
    part: int
    """It gets this part of the spans: one over it."""


PEERS = (
    Peer(
        name="@mastra/duckdb",
        needed=SETUP / "mastra" / "node_modules" / "@mastra" / "duckdb",
        command=["node", str(SETUP / "mastra" / "operations.mjs")],
        part=1,
    ),
    Peer(
        name="fuju-trace-duckdb",
        needed=SETUP / "fuju",
        command=[sys.executable, str(HERE / "fuju_operations.py"), str(SETUP / "fuju")],
        part=20,
    ),
)


def peers(
    folder: Path, largest: Volume, asked: int
) -> Iterator[tuple[str, Volume, dict[str, float]]]:
    """Each that is there, the volume that it was given, and its figures."""
    for peer in PEERS:
        if not peer.needed.exists():
            sys.stderr.write(f"no rows of {peer.name}: run make bench-peers\n")
            continue
        volume = Volume(max(1, largest.traces // peer.part), largest.spans_each)
        work = folder / "work.ndjson"
        _write(work, volume, asked)
        done = subprocess.run(
            [*peer.command, str(work), str(folder / f"{peer.needed.name}-peer.duckdb")],
            stdout=subprocess.PIPE,
            timeout=TIMEOUT_S,
            check=True,
        )
        yield peer.name, volume, json.loads(done.stdout.splitlines()[-1])


def _write(path: Path, volume: Volume, asked: int) -> None:
    """What to do, a line for each batch: facts first, then creates with what ends their spans."""
    facts = {
        "spans": volume.spans,
        "asked": [trace_id(turn * volume.traces // (asked + 1)) for turn in range(asked + 1)],
        "deleted": [trace_id(number) for number in range(min(DELETED, volume.traces // 2))],
    }
    with path.open("w") as file:
        file.write(json.dumps(facts) + "\n")
        for created, changed in zip(batches(volume), updates(volume), strict=True):
            file.write(json.dumps({"created": created, "changed": changed}) + "\n")
