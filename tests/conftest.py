"""What every test may use: places with processes in them, the soak switch, ``.test`` files."""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import drawn_part
from tests.support.examples import DRAW, load_profile
from tests.support.process_logging import logging_as_before
from tests.support.processes import Site
from tests.support.sql_files import SqlFile

SOAK_TIMEOUT_S = 3600


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--soak", action="store_true", help="long runs: many more kills, histories, mutations"
    )
    parser.addoption(
        "--interop", action="store_true", help="other people's senders, built by make test-interop"
    )


def pytest_configure(config: pytest.Config) -> None:
    load_profile(soak=config.getoption("--soak"))
    drawn_part.decide(config)


def pytest_report_header() -> str:
    """What to set so that a run draws the same tests and parameters again."""
    return f"{DRAW}={os.environ[DRAW]}"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Counterparts need Go to be built; only ``make test-interop`` asks for them."""
    return True if collection_path.name == "interop" and not config.getoption("--interop") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A long run is one that may take long; any other takes a part of the slow tests."""
    if left_out := drawn_part.left_out(items):
        config.hook.pytest_deselected(items=left_out)
        out = set(left_out)
        items[:] = [item for item in items if item not in out]
    if config.getoption("--soak"):
        for item in items:
            item.add_marker(pytest.mark.timeout(SOAK_TIMEOUT_S))


def pytest_collection_finish() -> None:
    """Thousands of tests are no garbage: a full collection looks at none of them, 1 s of each."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Else DuckDB 2 reports every object of its module as leaked at the exit."""
    gc.unfreeze()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SqlFile | None:
    return SqlFile.from_parent(parent, path=file_path) if file_path.suffix == ".test" else None


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether this is a long run."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(autouse=True)
def _process_wide_logging() -> Iterator[None]:
    """Of fixtures and tests alike."""
    with logging_as_before():
        yield


@pytest.fixture
def seed() -> int:
    """One number that decides everything random of a test; SPAN_TEST_SEED sets it."""
    number = int(os.environ.get("SPAN_TEST_SEED") or random.SystemRandom().randrange(2**31))
    print(f"SPAN_TEST_SEED={number}")
    return number


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Makes places whose processes all end with the test."""
    made: list[Site] = []

    def make(name: str = "site", **options: object) -> Site:
        made.append(Site(tmp_path / name, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """An empty storage, no catalog, no process."""
    return make_site()
