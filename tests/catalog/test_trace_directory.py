"""The trace directory never leaves a file out, against a dictionary of sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog.trace_directory import TraceDirectory

ENTRIES = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9)), max_size=20)


@given(st.lists(ENTRIES, max_size=12))
def test_it_knows_exactly_what_was_added(batches: list[list[tuple[int, int]]]) -> None:
    """Every (key, file) pair that went in comes out, in runs of any sizes."""
    directory = TraceDirectory()
    expected: dict[int, list[int]] = {}
    for entries in batches:
        keys = np.array([key for key, _ in entries], np.uint64)
        files = np.array([file for _, file in entries], np.int32)
        directory.add(keys, files)
        for key, file in entries:
            expected.setdefault(key, []).append(file)
    asked = np.arange(14, dtype=np.uint64)
    index, files = directory.files(asked)
    found: dict[int, list[int]] = {}
    for at, file in zip(index, files, strict=True):
        found.setdefault(int(asked[at]), []).append(int(file))
    assert {k: sorted(v) for k, v in found.items()} == {k: sorted(v) for k, v in expected.items()}
    for key in asked:
        assert directory.files_of(key) == set(expected.get(int(key), ()))
    assert list(directory.known(asked)) == [int(key) in expected for key in asked]
    assert len(directory) == sum(len(entries) for entries in batches)


def test_runs_stay_few() -> None:
    """A lookup stays logarithmic in the number of files."""
    directory = TraceDirectory()
    for number in range(1000):
        directory.add(np.array([number], np.uint64), np.array([number], np.int32))
    assert len(directory._runs) <= 10
    assert directory.size_bytes == 12 * 1000
