"""A file without a footer is refused only after it has stayed the same for the settle time."""

from indexer.discover.settle import Observation, observe, settles_at_s


def test_a_first_look_starts_the_wait():
    assert observe(None, (10, 1), 5.0) == Observation(stamp=(10, 1), since_s=5.0)


def test_the_same_bytes_go_on_waiting_from_the_first_look():
    first = observe(None, (10, 1), 5.0)
    assert observe(first, (10, 1), 9.0) == first


def test_a_file_that_grows_starts_the_wait_anew():
    first = observe(None, (10, 1), 5.0)
    assert observe(first, (11, 1), 9.0) == Observation(stamp=(11, 1), since_s=9.0)


def test_a_file_rewritten_with_the_same_size_starts_the_wait_anew():
    first = observe(None, (10, 1), 5.0)
    assert observe(first, (10, 2), 9.0).since_s == 9.0


def test_a_file_that_returns_to_earlier_bytes_starts_the_wait_anew():
    """Only the last look is remembered: it was not the same all the while."""
    first = observe(None, (10, 1), 5.0)
    second = observe(first, (11, 2), 6.0)
    assert observe(second, (10, 1), 7.0).since_s == 7.0


def test_the_wait_ends_the_settle_time_after_the_first_look():
    assert settles_at_s(Observation(stamp=(10, 1), since_s=5.0), 2.5) == 7.5


def test_a_slow_writer_never_settles_while_it_writes():
    observation = None
    for second in range(100):
        observation = observe(observation, (second, second), float(second))
        assert settles_at_s(observation, 10.0) > second
