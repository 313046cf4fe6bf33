"""Who reads a catalog, and since when nobody does."""

from __future__ import annotations

import math

from indexer.catalog.reader_lock import ReaderLock


def test_a_catalog_is_idle_since_its_last_reader_ended() -> None:
    readers = ReaderLock()
    assert readers.idle_s == math.inf
    with readers.reading():
        assert readers.idle_s == 0
        with readers.reading():
            pass
        assert readers.idle_s == 0
    assert 0 <= readers.idle_s < math.inf
