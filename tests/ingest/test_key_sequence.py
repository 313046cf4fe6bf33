"""Keys ascend whatever the clock does, and tell when they were made."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.ingest.key_sequence import KeySequence
from indexer.wire.keys import key_unix_nano
from tests.support.fake_clock import FakeClock


@given(st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=50), st.integers(0, 49))
def test_keys_ascend_across_clock_steps_and_restarts(steps_ms, restart):
    clock = FakeClock()
    sequence, keys = KeySequence(b"", clock), []
    for number, step in enumerate(steps_ms):
        clock.step_wall(step / 1000)
        if number == restart and keys:
            sequence = KeySequence(keys[-1], clock)
        keys += [sequence.next(), sequence.next()]
    assert keys == sorted(set(keys))
    assert {len(key) for key in keys} == {16}


def test_a_key_tells_its_millisecond():
    clock = FakeClock()
    key = KeySequence(b"", clock).next()
    assert key_unix_nano(key) == clock.now_unix_nano() // 1_000_000 * 1_000_000


def test_a_clock_that_stepped_back_is_waited_out():
    """Keys go on from the newest one; they cannot say an earlier time."""
    clock = FakeClock()
    sequence = KeySequence(b"", clock)
    first = sequence.next()
    clock.step_wall(-3600)
    assert key_unix_nano(sequence.next()) == key_unix_nano(first)


def test_a_full_millisecond_overflows_into_the_next():
    newest = (5 << 80 | (1 << 80) - 1).to_bytes(16, "big")
    assert KeySequence(newest, FakeClock()).next() > newest
    clock = FakeClock()
    clock.wall_ns = 0
    assert KeySequence(newest, clock).next() == (6 << 80).to_bytes(16, "big")
