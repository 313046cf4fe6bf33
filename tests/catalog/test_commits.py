"""What is known of commits without a question to the database."""

from __future__ import annotations

from typing import cast

import pytest

from indexer.catalog.commits import CHANGES_MAX, Commits
from indexer.catalog.recent_files import RecentFile


def test_the_files_of_all_commits_between_two_states_are_known() -> None:
    commits = Commits()
    numbers = [commits.number]
    for files in ([1, 2], [], [2, 5]):
        with commits.committing(files):
            assert commits.number is None
        numbers.append(commits.number)
    first, second, third, last = (number or 0 for number in numbers)
    assert commits.files_changed(first, last) == {1, 2, 5}
    assert commits.files_changed(second, last) == {2, 5}
    assert commits.files_changed(second, third) == set()
    assert commits.files_changed(last, last) == set()


def test_a_commit_that_failed_may_have_changed_its_files() -> None:
    commits = Commits()
    with pytest.raises(OSError), commits.committing([1]):
        raise OSError
    assert commits.files_changed(0, commits.number or 0) == {1}


def test_after_a_commit_that_failed_no_rows_of_files_are_known() -> None:
    """It may have happened all the same."""
    commits = Commits()
    commits.recent = {1: cast("RecentFile", object())}
    with commits.committing([2]):
        pass
    assert commits.recent.keys() == {1}
    with pytest.raises(OSError), commits.committing([2]):
        raise OSError
    assert commits.recent == {}


def test_a_commit_says_whether_other_files_may_be_refused_now() -> None:
    commits = Commits()
    with commits.committing([1], refusals=False):
        pass
    assert commits.keeps_refused(0)
    with commits.committing([2]):
        pass
    assert not commits.keeps_refused(2)
    assert commits.keeps_refused(4)


@pytest.mark.parametrize("others", [0, CHANGES_MAX])
def test_a_commit_of_any_files_or_of_too_long_ago_may_have_changed_all(others: int) -> None:
    commits = Commits()
    with commits.committing(None if not others else [1]):
        pass
    for _ in range(others):
        with commits.committing([2]):
            pass
    now = commits.number or 0
    assert commits.files_changed(0, now) is None
    assert commits.files_changed(now - 2 * others, now) == ({2} if others else set())
