"""Which tests of the slow kinds a run of the whole suite takes: a part, drawn anew for each run.

A test that starts processes costs seconds, each rule is asked of each of six doors, and what
DuckDB 2 does is asked a second time of code that the run has tested. ``SPAN_TEST_DRAW`` decides the part and is printed; ``all``, a soak, and a
test that is named on the command line leave nothing out.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import duckdb
import pytest

from tests.support.examples import DRAW

OF_PROCESSES = 1 / 6
OF_DOORS = 1 / 2
OF_THE_OTHER_DUCKDB = 1 / 8
WHOLE = "SPAN_TEST_WHOLE"
"""Set by the first process of a run for the others, which do not know what was named."""


def decide(config: pytest.Config) -> None:
    """Whether this run takes a part. Before its other processes start."""
    named = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    os.environ.setdefault(WHOLE, "1" if named or os.environ[DRAW] == "all" else "")


def left_out(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests that this run does not take."""
    if os.environ[WHOLE]:
        return []
    return [item for item in items if not _is_drawn(item)]


def _is_drawn(item: pytest.Item) -> bool:
    share = 1.0 if duckdb.__version__.startswith("1.") else OF_THE_OTHER_DUCKDB
    if item.get_closest_marker("process"):
        share = min(share, OF_PROCESSES)
    if item.nodeid.startswith("tests/doors/"):
        share = min(share, OF_DOORS)
    return random.Random(f"{os.environ[DRAW]} {item.nodeid}").random() < share
