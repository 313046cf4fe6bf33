"""Which files may hold a trace: sorted runs of 64-bit trace keys in memory. Pure.

The writer asks it, for every new trace, whether another file holds the same trace, because only
then can a span be held twice; the answers ask it where a trace's spans are. It takes 12 bytes
per (trace, file), where an index inside DuckDB measured 43 MB per million and slowed every
insert. It is rebuilt from ``trace_files`` when a catalog is opened.

Runs are immutable and merge like those of a log-structured tree, so a reader on another thread
sees a whole state. Keys of replaced or removed files stay until the next rebuild: an answer may
name a file that no longer holds the trace, never leave one out.
"""

from bisect import bisect_left

import numpy as np
import numpy.typing as npt

from indexer.spans.identifiers import UInt64Array

FileIds = npt.NDArray[np.int32]


class TraceDirectory:
    """A multimap from trace key to file id."""

    def __init__(self) -> None:
        self._runs: tuple[tuple[UInt64Array, FileIds], ...] = ()

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in self._runs)

    @property
    def size_bytes(self) -> int:
        """Memory of all runs."""
        return sum(keys.nbytes + files.nbytes for keys, files in self._runs)

    def add(self, keys: UInt64Array, file_ids: FileIds) -> None:
        """Remember that each key's trace is in the file beside it."""
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        runs = [*self._runs, (keys[order], file_ids[order])]
        while len(runs) > 1 and len(runs[-2][0]) < 2 * len(runs[-1][0]):
            newer, older = runs.pop(), runs.pop()
            runs.append(_merge(older, newer))
        self._runs = tuple(runs)

    def known(self, keys: UInt64Array) -> npt.NDArray[np.bool_]:
        """For each key, whether any file holds its trace."""
        found = np.zeros(len(keys), np.bool_)
        for run_keys, _ in self._runs:
            position = np.searchsorted(run_keys, keys)
            position[position == len(run_keys)] = 0
            found |= run_keys[position] == keys
        return found

    def files_of(self, key: int) -> set[int]:
        """The files of one key.

        Looked for step by step in Python: NumPy's search gives the interpreter to another thread
        each time, and a trace would wait to have it back from everybody who is answered beside it.
        """
        found: set[int] = set()
        for run_keys, run_files in self._runs:
            keys = run_keys.data  # numbers of Python, which are compared more quickly
            at = bisect_left(keys, key)
            while at < len(keys) and keys[at] == key:
                found.add(int(run_files[at]))
                at += 1
        return found

    def files(self, keys: UInt64Array) -> tuple[npt.NDArray[np.intp], FileIds]:
        """All (index into ``keys``, file id) pairs."""
        indices: list[npt.NDArray[np.intp]] = []
        files: list[FileIds] = []
        for run_keys, run_files in self._runs:
            low = np.searchsorted(run_keys, keys, side="left")
            high = np.searchsorted(run_keys, keys, side="right")
            counts = high - low
            index = np.repeat(np.arange(len(keys)), counts)
            within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
            indices.append(index)
            files.append(run_files[np.repeat(low, counts) + within])
        if not indices:
            return np.zeros(0, np.intp), np.zeros(0, np.int32)
        return np.concatenate(indices), np.concatenate(files)


def _merge(
    older: tuple[UInt64Array, FileIds], newer: tuple[UInt64Array, FileIds]
) -> tuple[UInt64Array, FileIds]:
    """Two sorted runs as one, in linear copies around one binary search."""
    (older_keys, older_files), (newer_keys, newer_files) = older, newer
    position = np.searchsorted(older_keys, newer_keys, side="right") + np.arange(len(newer_keys))
    total = len(older_keys) + len(newer_keys)
    is_older = np.ones(total, np.bool_)
    is_older[position] = False
    keys = np.empty(total, np.uint64)
    files = np.empty(total, np.int32)
    keys[position], keys[is_older] = newer_keys, older_keys
    files[position], files[is_older] = newer_files, older_files
    return keys, files
