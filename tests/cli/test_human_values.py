"""Values as people read them: times with a date, lengths and sizes with a unit, words for numbers."""

from datetime import UTC, datetime

import pytest

from indexer.cli.human_values import duration_text, human_row, size_text


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (23_100, "23.100 µs"),
        (1_158_511, "1.159 ms"),
        (1_500_000_000, "1.500 s"),
        (75_000_000_000, "1 min 15 s"),
        (3_600_000_000_000, "1 h 00 min"),
        (-1_000_000, "-1.000 ms"),
    ],
)
def test_a_duration_has_the_unit_that_leaves_it_a_few_digits(nanos, text):
    assert duration_text(nanos) == text


def test_a_size_has_one_too():
    assert [size_text(one) for one in (12, 1536, 5 << 30)] == ["12 B", "1.5 KiB", "5.0 GiB"]


def test_a_row_of_spans_is_in_words_and_what_is_not_known_stays():
    row = {
        "trace_id": "ab" * 16,
        "start_time_unix_nano": 1_795_224_256_487_228_434,
        "duration_ns": None,
        "status_code": 2,
        "span_kind": 3,
        "size_bytes": 2048,
        "first_seen": datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC),
        "last_seen": "2026-11-21T01:02:03.5+00:00",
        "value": "LLM",
    }
    assert human_row(row) == {
        "trace_id": "ab" * 16,
        "start_time": "2026-11-21 01:24:16.487Z",
        "duration": None,
        "status": "ERROR",
        "kind": "CLIENT",
        "size": "2.0 KiB",
        "first_seen": "2026-11-21 01:02:03Z",
        "last_seen": "2026-11-21 01:02:03Z",
        "value": "LLM",
    }


def test_a_number_that_no_word_is_for_stays_a_number():
    assert human_row({"status_code": 9, "span_kind": None}) == {"status": 9, "span_kind": None}
