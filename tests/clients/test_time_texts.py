"""A time is taken as a time, as nanoseconds and as what is so long ago; no other text is one."""

import pytest

from indexer.clients.shared.time_texts import QuestionTimes
from indexer.errors import QueryRefused

NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000


@pytest.fixture
def times(monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: NOW)
    return QuestionTimes()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1_800), ("1h", 3_600), ("7D", 604_800), ("2 w", 1_209_600), ("0s", 0)],
)
def test_a_duration_is_so_long_ago(times, text, seconds):
    assert times.unix_nano(text) == NOW - seconds * SECOND
    assert times.counted_from == NOW


@pytest.mark.parametrize("text", [None, "7", "-7", "1970-01-01T00:00Z", "1970-01-01"])
def test_other_times_do_not_ask_the_clock(times, text):
    assert times.unix_nano(text) in (None, 7, -7, 0)
    assert times.counted_from is None


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2027-01-15T08:00:00.123456789Z", NOW + 123_456_789),
        ("2027-01-15T08:00:00.1234567Z", NOW + 123_456_700),
        ("2027-01-15 08:00:00,12345678", NOW + 123_456_780),
        ("2027-01-15T09:00:00.123456789 01:00", NOW + 123_456_789),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2027-01-15T08:00:00.1234567890Z", NOW + 123_456_789),
        ("2027-01-15T08:00:00.1234567891Z", NOW + 123_456_790),
        ("1969-12-31T23:59:59.999999999000000001Z", 0),
    ],
)
def test_a_time_is_taken_to_the_nanosecond(times, text, nanoseconds):
    assert times.unix_nano(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "yesterday", "1x", "-1h", "1.5h", "h", "1h30m", "\u0661h"])
def test_what_cannot_be_read_is_refused_with_what_can(times, text):
    with pytest.raises(QueryRefused, match="invalid time") as refused:
        times.unix_nano(text)
    assert "1h for an hour ago" in refused.value.advice


@pytest.mark.parametrize("text", ["999999999w", str(2**63), "-" + str(2**63)])
def test_a_time_that_no_span_can_have_is_out_of_range(times, text):
    with pytest.raises(QueryRefused, match="out of range"):
        times.unix_nano(text)


def test_a_cursor_says_what_the_next_page_counts_from(monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: NOW + 99 * SECOND)
    assert QuestionTimes(f"abc.{NOW}").unix_nano("1s") == NOW - SECOND
    assert QuestionTimes("abc").unix_nano("1s") == NOW + 98 * SECOND
