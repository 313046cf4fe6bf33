"""Keys that were added are known, and others are not, before and after they are sorted."""

import numpy as np
import pytest

from indexer.mastra import known_keys
from indexer.mastra.known_keys import KnownKeys

LAST = (1 << 63) - 1


def stored(*keys):
    return KnownKeys(np.array(keys, np.int64))


@pytest.mark.parametrize("recent_max", [0, 3, 100])
def test_what_was_added_is_known_and_nothing_else(recent_max, monkeypatch):
    monkeypatch.setattr(known_keys, "RECENT_MAX", recent_max)
    known = stored(5, -LAST - 1, LAST)
    for keys in ([7, 8], [9], [7]):
        known.add(keys)
    assert known.among([LAST, 6, 8, -LAST - 1, 0, 9, -7]) == [LAST, 8, -LAST - 1, 9]


def test_an_empty_store_knows_no_key():
    assert stored().among([1, 2]) == []
    assert stored().among([]) == []


def test_a_store_with_too_many_spans_takes_any_key_for_known(monkeypatch):
    monkeypatch.setattr(known_keys, "KEYS_MAX", 2)
    monkeypatch.setattr(known_keys, "RECENT_MAX", 0)
    assert stored(1, 2, 3).among([9]) == [9]
    known = stored(1, 2)
    assert known.among([9]) == []
    known.add([3])
    assert known.among([9]) == [9]
