"""A command that a fixture of many tests ran in this process leaves the logs of these as they were."""

from __future__ import annotations

import logging

import pytest

from indexer.telemetry.log import LOGGER
from tests.support.processes import Site


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    """Before any fixture of a single test, a command logs errors alone."""
    before = logging.getLogger().level
    assert Site(tmp_path_factory.mktemp("site")).call("status").code == 2
    return before, logging.getLogger().level


def test_what_it_logs_is_its_own_affair(levels: tuple[int, int]) -> None:
    before, after = levels
    assert before == after
    assert LOGGER.isEnabledFor(logging.WARNING)
