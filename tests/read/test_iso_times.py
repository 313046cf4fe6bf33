"""A time as text is one only with a date, a clock and a zone."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.iso_times import iso_nanos
from tests.support.examples import examples

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))


@examples(50)
@given(st.datetimes(timezones=ZONES).filter(lambda time: 1 < time.year < 9999))
def test_a_time_with_a_zone_is_its_nanoseconds(time):
    since = time - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert iso_nanos(time.isoformat()) == since // dt.timedelta(microseconds=1) * 1_000


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01 00:00:00.000000001+00:00", 1),
        ("1970-01-01T01:00:00.5+01:00", 500_000_000),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01", None),
        ("1970-13-01T00:00:00Z", None),
        ("noon", None),
        ("1970-01-01T00:00:00.0000000001Z", None),
        ("\u0661970-01-01T00:00:00Z", None),
    ],
)
def test_other_text_is_no_time(text, nanos):
    assert iso_nanos(text) == nanos
