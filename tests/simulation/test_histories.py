"""Any history ends in the catalog that a rebuild from the files would make."""

import os
import random
from pathlib import Path

import pytest

from indexer.catalog.totals import Totals
from tests.simulation.world import World
from tests.support.catalogs import (
    ATTRIBUTE_ROWS,
    SPAN_ROWS,
    attributes_on_disk,
    audited,
    spans_on_disk,
)
from tests.support.permissions import bound_by_permissions

FIRST = int(os.environ.get("SPAN_TEST_SEED") or random.randrange(2**31))
HISTORIES = int(os.environ.get("SPAN_TEST_HISTORIES", "8"))
FOUND = (484962677, 281911014, 300140, 300104, 400037, 702253554)
"""Seeds that found something once."""


@pytest.mark.duckdb
@pytest.mark.parametrize("part", range(4))
def test_any_history_ends_in_what_the_files_say(tmp_path: Path, part: int) -> None:
    """I1 to I5 hold after any interleaving, by the audit and by brute force over the files."""
    for seed in range(FIRST + part, FIRST + HISTORIES, 4):
        check(tmp_path / str(seed), seed)


@pytest.mark.parametrize("seed", FOUND)
def test_a_history_that_once_failed(tmp_path: Path, seed: int) -> None:
    """A seed that found a fault stays a test."""
    check(tmp_path / "found", seed, odd=False)


def check(folder: Path, seed: int, *, odd: bool = True) -> None:
    with bound_by_permissions():
        _check(folder, seed, odd=odd)


def _check(folder: Path, seed: int, *, odd: bool) -> None:
    folder.mkdir()
    world = World(folder, seed, odd=odd)
    try:
        world.run(steps=40)
        rows = sorted(
            world.catalog.connection.execute(SPAN_ROWS).fetchall(),
            key=lambda row: tuple((x is None, x) for x in row),
        )
        said = f"SPAN_TEST_SEED={seed} SPAN_TEST_HISTORIES=1\nhistory: {world.history}"
        assert rows == spans_on_disk(world.root), said
        totals = Totals.read(world.catalog.connection)
        assert world.pipeline.register.totals == totals, said
        values = world.catalog.connection.execute(ATTRIBUTE_ROWS).fetchall()
        assert sorted(values) == attributes_on_disk(world.root, world.keys), said
    finally:
        world.close()
    report = audited(world.root, world.catalog_path)
    assert report.passed, f"{said}\n{report.findings}"
    assert not report.pending, said
