"""The queue of files to read: the newest first, none forgotten, none read for nothing."""

import pytest

from indexer.discover.backlog import Backlog
from tests.discover.sightings import seen

ALL = 1 << 40


def taken(backlog, *, files_max=100, bytes_max=ALL, now_s=0.0):
    found = backlog.take(files_max=files_max, bytes_max=bytes_max, now_s=now_s)
    return [info.relative_path for info in found]


def backlog_of(*infos):
    backlog = Backlog()
    for info in infos:
        backlog.offer(info)
    return backlog


def test_the_newest_file_comes_first():
    backlog = backlog_of(seen("b", time=2), seen("c", time=3), seen("a", time=1))
    assert taken(backlog) == ["c", "b", "a"]


def test_files_of_one_moment_come_in_order_of_path():
    assert taken(backlog_of(seen("b"), seen("a"), seen("c"))) == ["a", "b", "c"]


def test_a_file_sighted_twice_is_taken_once():
    backlog = backlog_of(seen("a"), seen("b", time=2000), seen("a"))
    assert (taken(backlog), taken(backlog)) == (["b", "a"], [])


def test_a_file_that_changed_is_taken_as_it_is_now():
    changed = seen("a", time=2000, size=5)
    backlog = backlog_of(seen("a", time=3000), changed, seen("b", time=2500))
    assert backlog.take(files_max=9, bytes_max=ALL, now_s=0.0) == [seen("b", time=2500), changed]


def test_no_more_files_are_taken_than_asked_for():
    backlog = backlog_of(*(seen(name) for name in "abc"))
    assert (taken(backlog, files_max=2), taken(backlog, files_max=2)) == (["a", "b"], ["c"])


def test_no_more_bytes_are_taken_than_asked_for():
    backlog = backlog_of(*(seen(name, size=40) for name in "abc"))
    assert (taken(backlog, bytes_max=80), taken(backlog, bytes_max=79)) == (["a", "b"], ["c"])


def test_a_file_beyond_the_bytes_goes_alone():
    """Else it would wait for ever."""
    backlog = backlog_of(seen("huge", size=1000, time=2000), seen("small", size=1))
    assert (taken(backlog, bytes_max=10), taken(backlog, bytes_max=10)) == (["huge"], ["small"])


def test_a_dropped_file_is_not_taken():
    backlog = backlog_of(seen("a"), seen("b"))
    backlog.drop("a")
    backlog.drop("never seen")
    assert (taken(backlog), taken(backlog)) == (["b"], [])


def test_a_file_in_hand_is_not_decided_yet():
    """It was counted as neither waiting nor indexed, and answers passed for complete."""
    backlog = backlog_of(seen("a"))
    assert taken(backlog) == ["a"]
    assert ("a" in backlog, len(backlog), backlog.files()) == (True, 1, [seen("a")])
    backlog.done(seen("a"))
    assert ("a" in backlog, len(backlog), backlog.files()) == (False, 0, [])


def test_an_unfinished_file_waits_the_settle_time_and_is_read_again():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    assert backlog.unfinished(seen("a"), settle_s=10.0, now_s=100.0)
    assert (backlog.next_due_s(), taken(backlog, now_s=109.9)) == (110.0, [])
    assert taken(backlog, now_s=110.0) == ["a"]


def test_an_unfinished_file_that_stayed_the_same_has_settled():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.unfinished(seen("a"), settle_s=10.0, now_s=100.0)
    taken(backlog, now_s=110.0)
    assert not backlog.unfinished(seen("a"), settle_s=10.0, now_s=110.0)
    backlog.done(seen("a"))
    assert len(backlog) == 0


def test_an_unfinished_file_that_grew_waits_anew():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.unfinished(seen("a"), settle_s=10.0, now_s=100.0)
    backlog.offer(seen("a", size=200))
    assert taken(backlog, now_s=105.0) == ["a"]
    assert backlog.unfinished(seen("a", size=200), settle_s=10.0, now_s=105.0)
    assert backlog.next_due_s() == 115.0


def test_a_waiting_file_keeps_its_time_when_it_is_sighted_unchanged():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.unfinished(seen("a"), settle_s=10.0, now_s=100.0)
    backlog.offer(seen("a"))
    assert (taken(backlog, now_s=101.0), backlog.next_due_s()) == ([], 110.0)


def test_a_waiting_file_that_changes_is_ready_at_once():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.postpone(seen("a"), backoff_s=60.0, now_s=0.0)
    backlog.offer(seen("a", time=1001))
    assert taken(backlog, now_s=0.0) == ["a"]


def test_a_postponed_file_counts_its_tries():
    backlog = backlog_of(seen("a"))
    tries = []
    for now_s in (0.0, 1.0, 2.0):
        assert taken(backlog, now_s=now_s) == ["a"]
        tries.append(backlog.postpone(seen("a"), backoff_s=1.0, now_s=now_s))
    assert (tries, backlog.tries("a"), backlog.tries("b")) == ([1, 2, 3], 3, 0)


def test_a_registered_file_forgets_its_tries():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.postpone(seen("a"), backoff_s=1.0, now_s=0.0)
    taken(backlog, now_s=1.0)
    backlog.done(seen("a"))
    assert (backlog.tries("a"), len(backlog)) == (0, 0)


def test_time_alone_does_not_wake_a_file_that_is_in_hand():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.postpone(seen("a"), backoff_s=1.0, now_s=0.0)
    assert taken(backlog, now_s=1.0) == ["a"]
    assert (taken(backlog, now_s=1e9), backlog.next_due_s()) == ([], None)


@pytest.mark.parametrize("waited_before", [False, True], ids=["at first", "after a wait"])
def test_a_file_in_hand_that_is_sighted_unchanged_is_not_taken_twice(waited_before):
    """A doubled hint while the file is being read would read and register it again."""
    backlog = backlog_of(seen("a"))
    taken(backlog)
    if waited_before:
        backlog.postpone(seen("a"), backoff_s=1.0, now_s=0.0)
        taken(backlog, now_s=1.0)
    backlog.offer(seen("a"))
    assert taken(backlog, now_s=1.0) == []


def test_a_file_in_hand_that_changes_is_taken_again():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.offer(seen("a", size=5))
    assert taken(backlog) == ["a"]


def test_bytes_that_were_sighted_while_older_ones_were_in_hand_stay_ready():
    """Else a rewrite during a commit would wait for the next sweep."""
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.offer(seen("a", size=5))
    backlog.done(seen("a"))
    assert backlog.take(files_max=9, bytes_max=ALL, now_s=0.0) == [seen("a", size=5)]


def test_a_file_that_is_done_is_not_read_again_until_it_changes():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.done(seen("a"))
    assert taken(backlog, now_s=1e9) == []
    backlog.offer(seen("a", size=5))
    assert taken(backlog) == ["a"]


@pytest.mark.parametrize("waited_before", [False, True], ids=["at first", "after a wait"])
def test_a_file_given_back_is_ready_again(waited_before):
    """A commit that failed must not lose the files it was about."""
    backlog = backlog_of(seen("a"))
    taken(backlog)
    if waited_before:
        backlog.postpone(seen("a"), backoff_s=1.0, now_s=0.0)
        taken(backlog, now_s=1.0)
    backlog.give_back(seen("a"))
    assert (taken(backlog, now_s=1.0), taken(backlog, now_s=1e9)) == (["a"], [])


def test_a_file_given_back_does_not_replace_a_newer_sighting():
    backlog = backlog_of(seen("a"))
    taken(backlog)
    backlog.offer(seen("a", size=5))
    backlog.give_back(seen("a"))
    assert backlog.take(files_max=9, bytes_max=ALL, now_s=0.0) == [seen("a", size=5)]


def test_only_a_file_without_a_footer_may_still_be_growing():
    backlog = backlog_of(seen("a"), seen("b"))
    taken(backlog)
    backlog.postpone(seen("a"), backoff_s=1.0, now_s=0.0)
    assert not backlog.has_unfinished()
    backlog.unfinished(seen("b"), settle_s=1.0, now_s=0.0)
    assert backlog.has_unfinished()


def test_nothing_is_due_when_nothing_waits():
    assert backlog_of(seen("a")).next_due_s() is None
