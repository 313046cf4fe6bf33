"""How many examples a property is tried with: few in the suite, many times as many when it soaks.

A property that is believed is tried with new examples in every run of the suite, so that few a
run find what many in one run would. ``SPAN_TEST_EXAMPLES`` multiplies them; ``--soak`` sets it.
"""

from __future__ import annotations

import os

from hypothesis import settings

TIMES = "SPAN_TEST_EXAMPLES"
TIMES_OF_A_SOAK = 20
BY_DEFAULT = 40
"""Examples of a property that does not say how many it needs."""


def examples(count: int, **options: object) -> settings:
    """Settings of a property, never by the clock: a machine at work takes as long as it takes."""
    times = int(os.environ.get(TIMES, "1"))
    return settings(max_examples=count * times, deadline=None, **options)  # type: ignore[arg-type]


def load_profile(*, soak: bool) -> None:
    """For properties without settings. Before any of them is imported."""
    if soak:
        os.environ.setdefault(TIMES, str(TIMES_OF_A_SOAK))
    settings.register_profile("tests", examples(BY_DEFAULT))
    settings.load_profile("tests")
