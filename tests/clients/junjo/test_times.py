"""Times have six decimals and ``Z``, in every year that a span can have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.clients.junjo.times import iso_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, 253_402_300_799 * 10**9 + 999_999_999))
def test_times_are_cut_to_the_microsecond(nanos: int) -> None:
    """Python's own calendar agrees from 1970 to 9999."""
    expected = EPOCH + timedelta(microseconds=nanos // 1000)
    assert iso_time(nanos) == f"{expected.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (-1, "1970-01-01T00:00:00.000000Z"),
        (-1_000, "1969-12-31T23:59:59.999999Z"),
        (253_402_300_800 * 10**9, "+010000-01-01T00:00:00.000000Z"),
        (-62_135_596_800 * 10**9, "0001-01-01T00:00:00.000000Z"),
        (-62_135_596_801 * 10**9, "+000000-12-31T23:59:59.000000Z"),
        (-8_640_000_000_000 * 10**9, "-271821-04-20T00:00:00.000000Z"),
        (8_640_000_000_000 * 10**9, "+275760-09-13T00:00:00.000000Z"),
    ],
)
def test_times_beyond_pythons_years_are_as_ecmascript_writes_them(nanos: int, text: str) -> None:
    """The last two are the first and the last time that ECMAScript knows."""
    assert iso_time(nanos) == text
