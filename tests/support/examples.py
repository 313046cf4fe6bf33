"""How many examples a property is tried with: few in the suite, many times as many when it soaks.

A property that is believed is tried with new examples in every run of the suite, so that few a
run find what many in one run would. ``SPAN_TEST_EXAMPLES`` multiplies them; ``--soak`` sets it.
"""

from __future__ import annotations

import os
import random

from hypothesis import HealthCheck, settings

TIMES = "SPAN_TEST_EXAMPLES"
TIMES_OF_A_SOAK = 20
DRAW = "SPAN_TEST_DRAW"
"""The seed of what ``one_of`` draws, the same in every process of a run; ``all`` draws nothing."""
BY_DEFAULT = 40
"""Examples of a property that does not say how many it needs."""


def examples(count: int, **options: object) -> settings:
    """Settings of a property, never by the clock: a machine at work takes as long as it takes."""
    times = int(os.environ.get(TIMES, "1"))
    options.setdefault("suppress_health_check", [HealthCheck.too_slow])
    return settings(max_examples=count * times, deadline=None, **options)  # type: ignore[arg-type]


def load_profile(*, soak: bool) -> None:
    """For properties without settings. Before any of them is imported."""
    if soak:
        os.environ.setdefault(TIMES, str(TIMES_OF_A_SOAK))
    os.environ.setdefault(DRAW, "all" if soak else str(random.SystemRandom().randrange(2**31)))
    settings.register_profile("tests", examples(BY_DEFAULT))
    settings.load_profile("tests")


def one_of(*values: object) -> list[object]:
    """Parameters of a test that starts processes: one a run, drawn anew; in a soak all of them.

    For ways that end in the same code, as two signals do. Call it while tests are collected.
    """
    draw = os.environ[DRAW]
    return list(values) if draw == "all" else [random.Random(f"{draw} {values}").choice(values)]
