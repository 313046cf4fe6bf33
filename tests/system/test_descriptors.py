"""As many files as the system gives are asked for, and less is taken where more is refused."""

import resource

import pytest

from indexer.system import descriptors
from indexer.system.descriptors import OPEN_MAX, WANTED, raise_limit

NO_LIMIT = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "allowed", "expected"),
    [
        (1024, 4096, 4096, 4096),
        (1024, 1_000_000, 1_000_000, WANTED),
        (256, NO_LIMIT, OPEN_MAX, OPEN_MAX),  # macOS calls it infinite and refuses more
        (256, NO_LIMIT, 256, 256),
        (100_000, NO_LIMIT, OPEN_MAX, 100_000),
        (NO_LIMIT, NO_LIMIT, 0, WANTED),
    ],
)
def test_the_limit_that_holds_is_the_highest_that_is_given(
    monkeypatch, soft, hard, allowed, expected
):
    held = [soft]

    def set_limit(_, limits):
        if limits[0] > allowed:
            raise ValueError("current limit exceeds maximum limit")
        held[0] = limits[0]

    monkeypatch.setattr(descriptors.resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(descriptors.resource, "setrlimit", set_limit)
    assert raise_limit() == expected
    assert held[0] in (expected, NO_LIMIT)
