"""Which file gives its attributes next, and that choosing it costs the same however many wait."""

from __future__ import annotations

from indexer.index.promotion_queue import PromotionQueue

KEYS = frozenset({1})


def modified(file_id: int) -> int:
    """The files with even numbers are newer than all others."""
    return file_id + (1_000_000 if file_id % 2 == 0 else 0)


def behind(*file_ids: int) -> dict[int, frozenset[int]]:
    return dict.fromkeys(file_ids, KEYS)


def three_seconds(_failures: int) -> float:
    return 3.0


def test_the_newest_file_is_the_first() -> None:
    """By its time and not by when it was registered."""
    queue = PromotionQueue(behind(1, 2, 3, 4), modified)
    assert queue.take(3, 0.0) == [4, 2, 3]
    assert queue.take(3, 0.0) == [1]
    assert queue.take(3, 0.0) == []


def test_a_file_that_comes_later_takes_its_place() -> None:
    files = behind(1, 3)
    queue = PromotionQueue(files, modified)
    files[4] = KEYS
    assert queue.take(9, 0.0) == [4, 3, 1]
    assert not queue.has_ready()
    files[5] = KEYS
    assert queue.has_ready()
    assert queue.take(9, 0.0) == [5]


def test_a_file_that_left_the_index_is_passed_over() -> None:
    files = behind(1, 2, 3)
    queue = PromotionQueue(files, modified)
    del files[2]
    assert queue.take(1, 0.0) == [3]
    del files[1]
    assert not queue.has_ready()


def test_a_file_that_is_put_off_comes_when_it_is_due() -> None:
    queue = PromotionQueue(behind(1, 2), modified)
    queue.postpone(queue.take(1, 10.0)[0], three_seconds, 10.0)
    assert (queue.take(9, 12.9), queue.next_due_s()) == ([1], 13.0)
    assert queue.take(9, 13.0) == [2]
    assert queue.next_due_s() is None


def test_the_pause_grows_with_each_try_and_begins_anew_once_it_worked() -> None:
    files, asked = behind(1), []
    queue = PromotionQueue(files, modified)
    for _ in range(3):
        queue.postpone(*queue.take(1, 0.0), lambda failures: asked.append(failures) or 0.0, 0.0)
    queue.done(*queue.take(1, 0.0))
    queue.give_back([1])
    queue.postpone(*queue.take(1, 0.0), lambda failures: asked.append(failures) or 0.0, 0.0)
    assert asked == [1, 2, 3, 1]


def test_a_file_that_left_while_it_waited_is_due_no_more() -> None:
    files = behind(1, 2)
    queue = PromotionQueue(files, modified)
    for file_id in queue.take(2, 0.0):
        queue.postpone(file_id, three_seconds, float(file_id))
    del files[1]
    assert queue.next_due_s() == 5.0
    files.clear()
    assert queue.next_due_s() is None


class Counted(dict[int, frozenset[int]]):
    """How often it was asked for an id."""

    asked = 0

    def __contains__(self, file_id: object) -> bool:
        self.asked += 1
        return super().__contains__(file_id)


def test_taking_all_costs_a_few_looks_a_file() -> None:
    """It was one for each file that waits, for each group: 10,000 files made 400,000 of them."""
    files = Counted(behind(*range(1, 10_001)))
    queue = PromotionQueue(files, modified)
    while taken := queue.take(128, 0.0):
        for file_id in taken:
            if file_id % 100:
                del files[file_id]
            else:
                queue.postpone(file_id, three_seconds, 0.0)
    assert len(files) == 100
    assert files.asked < 5 * 10_000
