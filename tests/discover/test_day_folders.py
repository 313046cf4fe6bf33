"""What was flushed since a moment lies in the folders of the days since, and in no other."""

from datetime import UTC, datetime

import pytest

from indexer.discover.day_folders import DAYS_MAX, SLACK_S, above_day_folder, day_folders

DAY_S = 86_400
MIDNIGHT_S = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
FOLDERS = [f"year=2026/month=02/day={day}" for day in (27, 28)] + ["year=2026/month=03/day=01"]


def days(since_s: int, until_s: int) -> list[str] | None:
    return day_folders(since_s * 10**9, until_s * 10**9)


def test_both_ends_reach_as_far_as_a_clock_may_be_wrong_and_no_farther() -> None:
    """At the end of February: an hour to either side of midnight, and a second less."""
    noon_s = MIDNIGHT_S + DAY_S // 2
    assert days(MIDNIGHT_S + SLACK_S, noon_s) == FOLDERS[2:]
    assert days(MIDNIGHT_S + SLACK_S - 1, noon_s) == FOLDERS[1:]
    assert days(noon_s - DAY_S, MIDNIGHT_S - SLACK_S - 1) == FOLDERS[1:2]
    assert days(noon_s - DAY_S, MIDNIGHT_S - SLACK_S) == FOLDERS[1:]


def test_a_clock_that_was_set_back_hides_no_day() -> None:
    assert days(MIDNIGHT_S, MIDNIGHT_S - DAY_S) == days(MIDNIGHT_S - DAY_S, MIDNIGHT_S) == FOLDERS


def test_days_that_are_too_many_are_not_listed_one_by_one() -> None:
    noon_s = MIDNIGHT_S + DAY_S // 2
    found = days(noon_s, noon_s + (DAYS_MAX - 1) * DAY_S)
    assert found is not None
    assert len(found) == DAYS_MAX
    assert days(noon_s, noon_s + DAYS_MAX * DAY_S) is None


@pytest.mark.parametrize(
    ("path", "above"),
    [
        (f"{FOLDERS[0]}/a.parquet", ""),
        (f"a/b/{FOLDERS[0]}/a.parquet", "a/b"),
        (f"{FOLDERS[0]}/hour=1/a.parquet", None),
        ("a.parquet", None),
        ("year=2026/month=2/day=27/a.parquet", None),
        ("my-year=2026/month=02/day=27/a.parquet", None),
    ],
)
def test_only_a_file_directly_in_the_folder_of_a_day_is_in_it(path: str, above: str | None) -> None:
    assert above_day_folder(path) == above
