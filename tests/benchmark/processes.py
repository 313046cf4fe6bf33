"""Whole processes as the unit of measurement: what an operator waits for and pays.

Start-up and imports count, for the indexer and for what it is compared with.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmark.corpus import Corpus
from tests.benchmark.plan import PROJECT, environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A process that ended well. ``answer`` is its last line of output, from JSON."""

    seconds: float
    processor_seconds: float
    peak_bytes: int
    answer: dict[str, Any]


class ProcessFailed(Exception):
    """A measured process ended badly, so there is nothing to report about it."""


def run(arguments: list[str], environ: Mapping[str, str] | None = None) -> Finished:
    """Run ``python ARGUMENTS`` through the launcher. Raises ProcessFailed."""
    command = [sys.executable, "-m", "tests.benchmark.launch", sys.executable, *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True)
    if done.returncode != 0:
        raise ProcessFailed(f"{' '.join(arguments)}: {done.returncode}\n{done.stderr[-2000:]}")
    *before, last = done.stdout.splitlines()
    return Finished(**json.loads(last), answer=json.loads(before[-1]))


def index_once(corpus: Corpus, catalog: Path, *, promoted: bool = False) -> Finished:
    """``python -m indexer --once`` over a corpus. Raises ProcessFailed unless all was indexed."""
    environ = environment(corpus.root, catalog)
    if not promoted:
        environ["INDEXER_PROMOTED_ATTRIBUTES"] = ""
    done = run(["-m", "indexer", "--once", "--json"], environ)
    if done.answer["files"] != corpus.shape.files or done.answer["spans"] != corpus.shape.total:
        raise ProcessFailed(f"not the whole corpus was indexed: {done.answer}")
    return done


def catalog_bytes(catalog: Path) -> int:
    """Size of a closed catalog, whichever generation the path points to."""
    return catalog.stat().st_size
