"""When a file that a listing lacks leaves the index, and when it is kept in spite of it.

These tests are the rule's definition: the root's identity, the share that may vanish at once, and
what an operator's word changes.
"""

from indexer.discover.changes import Changes
from indexer.discover.removal_rule import FEW_FILES, SECOND_LOOK_S, RemovalRule
from indexer.model import RootIdentity
from tests.discover.sightings import by_path, known, seen

ROOT = RootIdentity(device=1, inode=10)
ANOTHER = RootIdentity(device=1, inode=11)


def files(count):
    return by_path(*(known(f"{number}.parquet", inode=number) for number in range(count)))


def lacking(*removed, hidden=(), elsewhere=(), to_read=()):
    return Changes(
        to_read=tuple(to_read),
        relocated=(),
        removed=tuple(removed),
        hidden=tuple(hidden),
        elsewhere=tuple(elsewhere),
    )


def test_a_file_that_the_root_lacks_is_removed():
    judged = RemovalRule(ROOT).judge(lacking("0.parquet"), files(3), ROOT, 0.0)
    assert (judged.removed, judged.problems, judged.root) == ({"0.parquet"}, (), ROOT)


def test_without_a_root_nothing_is_removed():
    judged = RemovalRule(ROOT).judge(lacking("0.parquet"), files(3), None, 0.0)
    assert (judged.removed, judged.root) == (frozenset(), None)


def test_a_few_files_may_vanish_at_once_though_they_are_all():
    """An operator who cleans up a small storage is not asked twice."""
    registered = files(FEW_FILES)
    judged = RemovalRule(ROOT).judge(lacking(*registered), registered, ROOT, 0.0)
    assert (judged.removed, judged.problems) == (set(registered), ())


def test_half_of_many_files_may_vanish_at_once():
    registered = files(100)
    judged = RemovalRule(ROOT).judge(lacking(*list(registered)[:50]), registered, ROOT, 0.0)
    assert (len(judged.removed), judged.problems) == (50, ())


def test_more_than_half_of_many_vanish_only_after_a_second_look():
    """A volume that answers with nothing for a moment is back by then."""
    registered = files(100)
    gone = lacking(*list(registered)[:51])
    rule = RemovalRule(ROOT)
    first = rule.judge(gone, registered, ROOT, 5.0)
    assert (first.removed, first.look_again_at_s) == (frozenset(), 5.0 + SECOND_LOOK_S)
    assert "51 of 100 indexed files vanished at once" in first.problems[0]
    early = rule.judge(gone, registered, ROOT, 5.0 + SECOND_LOOK_S - 0.1)
    assert (early.removed, early.look_again_at_s) == (frozenset(), 5.0 + SECOND_LOOK_S)
    second = rule.judge(gone, registered, ROOT, 5.0 + SECOND_LOOK_S)
    assert (len(second.removed), second.problems, second.look_again_at_s) == (51, (), None)


def test_files_that_are_back_at_the_second_look_begin_anew():
    registered = files(100)
    rule = RemovalRule(ROOT)
    gone = lacking(*registered)
    rule.judge(gone, registered, ROOT, 0.0)
    assert rule.judge(lacking(), registered, ROOT, 9.0).problems == ()
    assert rule.judge(gone, registered, ROOT, 20.0).removed == frozenset()


def test_files_that_only_moved_need_no_second_look():
    registered = files(100)
    moved = [seen(f"deep/{number}.parquet", inode=number) for number in range(100)]
    judged = RemovalRule(ROOT).judge(lacking(*registered, to_read=moved), registered, ROOT, 0.0)
    assert (judged.removed, judged.problems) == (set(registered), ())


def test_another_folder_in_the_place_of_the_root_removes_nothing():
    """However few files there were: an empty folder where a volume was looks just so."""
    registered = files(1)
    rule = RemovalRule(ROOT)
    for now_s in (0.0, 60.0):
        judged = rule.judge(lacking(*registered), registered, ANOTHER, now_s)
        assert (judged.removed, judged.root) == (frozenset(), None)
        assert "the storage root is another folder" in judged.problems[0]
        assert "--accept-removals" in judged.problems[0]


def test_another_root_with_most_of_the_files_is_the_storage():
    """Restored, copied, or on a volume that numbers its inodes anew."""
    registered = files(4)
    judged = RemovalRule(ROOT).judge(lacking("0.parquet"), registered, ANOTHER, 0.0)
    assert (judged.removed, judged.root) == ({"0.parquet"}, ANOTHER)


def test_another_root_with_fewer_than_half_of_the_files_is_not():
    registered = files(5)
    judged = RemovalRule(ROOT).judge(lacking(*list(registered)[:3]), registered, ANOTHER, 0.0)
    assert (judged.removed, judged.root) == (frozenset(), None)


def test_a_device_that_was_numbered_anew_does_not_make_another_root():
    """Network volumes and others get a number at each mount; ``compare`` looks at the files."""
    renumbered = RootIdentity(device=2, inode=10)
    judged = RemovalRule(ROOT).judge(lacking("0.parquet"), files(1), renumbered, 0.0)
    assert (judged.removed, judged.root) == ({"0.parquet"}, renumbered)


def test_a_catalog_that_records_no_root_believes_one_with_its_files():
    registered = files(4)
    assert RemovalRule(None).judge(lacking(), registered, ROOT, 0.0).root == ROOT
    assert RemovalRule(None).judge(lacking(*registered), registered, ROOT, 0.0).root is None
    assert RemovalRule(None).judge(lacking(), {}, ROOT, 0.0).root == ROOT


def test_what_cannot_be_listed_hides_files_and_removes_none():
    judged = RemovalRule(ROOT).judge(lacking(hidden=["0.parquet"]), files(1), ROOT, 0.0)
    assert judged.removed == frozenset()
    assert "where the storage cannot be listed" in judged.problems[0]


def test_a_folder_on_another_device_removes_nothing():
    judged = RemovalRule(ROOT).judge(lacking(elsewhere=["0.parquet"]), files(1), ROOT, 0.0)
    assert judged.removed == frozenset()
    assert "not on the device they were indexed from" in judged.problems[0]


def test_the_operators_word_ends_every_doubt_but_that_of_a_closed_folder():
    registered = files(100)
    paths = list(registered)
    changes = lacking(*paths[:60], elsewhere=paths[60:80], hidden=paths[80:])
    judged = RemovalRule(ROOT, accepted=True).judge(changes, registered, ANOTHER, 0.0)
    assert (judged.removed, judged.root) == (set(paths[:80]), ANOTHER)
    assert ["cannot be listed" in problem for problem in judged.problems] == [True]


def test_the_operators_word_holds_for_one_listing():
    registered = files(1)
    rule = RemovalRule(ROOT, accepted=True)
    assert rule.judge(lacking(), registered, None, 0.0).removed == frozenset()
    assert rule.judge(lacking(), registered, ROOT, 0.0).removed == frozenset()
    assert rule.judge(lacking(*registered), registered, ANOTHER, 0.0).removed == frozenset()
