"""Files that arrive in a storage, one a second, while something else is measured."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark.corpus import relative_path, write_files
from tests.benchmark.layout import Shape

NEWEST = Shape(files=1, spans=20_000, seed=7, first_day=20)
"""Files that come while questions are asked: all newer than those of a corpus."""
PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a file was made, and where it will arrive."""

    made: Path
    goal: Path


def make_arrivals(shape: Shape, storage: Path, folder: Path) -> list[Arrival]:
    """The shape's files, made in a folder that is not the storage, on the same disk."""
    made = [folder / f"{file:06d}.parquet" for file in range(shape.files)]
    write_files(shape, made)
    goals = [storage / relative_path(shape, file) for file in range(shape.files)]
    for goal in goals:
        goal.parent.mkdir(parents=True, exist_ok=True)
    return [Arrival(*both) for both in zip(made, goals, strict=True)]


@contextmanager
def arriving(arrivals: list[Arrival]) -> Iterator[None]:
    """One file a second, until the block ends; a measurement without arrivals is none."""
    over = threading.Event()

    def arrive() -> None:
        for one in arrivals:
            os.utime(one.made)
            os.rename(one.made, one.goal)
            if over.wait(PAUSE_S):
                return
        raise AssertionError(f"{len(arrivals)} files arrived, and questions were still asked")

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(arrive)
        try:
            yield
        finally:
            over.set()
        done.result()
