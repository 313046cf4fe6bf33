"""What is known of commits without a question to the database."""

from __future__ import annotations

import pytest

from indexer.catalog.commits import CHANGES_MAX, Commits


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
