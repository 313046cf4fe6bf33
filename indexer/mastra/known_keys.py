"""Keys of stored spans, in memory: most spans that come are new, and the table is not searched."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

KEYS_MAX = 4_000_000
"""Eight bytes each. With more spans than this every batch is searched for."""
RECENT_MAX = 65_536
"""So many are held unsorted."""
Keys = npt.NDArray[np.int64]


class KnownKeys:
    """Which spans may be in the table.

    One whose key is not known is not there. One whose key is known may be gone, or be another span
    with the same key, so that the table has the last word.
    """

    def __init__(self, stored: Keys) -> None:
        self._sorted: Keys | None = np.sort(stored) if stored.size <= KEYS_MAX else None
        self._recent: set[int] = set()

    def among(self, keys: Collection[int]) -> list[int]:
        """Those of the keys that are known."""
        if self._sorted is None:
            return list(keys)
        if not self._sorted.size:
            return [key for key in keys if key in self._recent]
        asked = np.fromiter(keys, np.int64, len(keys))
        places = np.searchsorted(self._sorted, asked)
        places[places == self._sorted.size] = 0
        found = (self._sorted[places] == asked).tolist()
        return [
            key
            for key, is_there in zip(keys, found, strict=True)
            if is_there or key in self._recent
        ]

    def add(self, keys: Collection[int]) -> None:
        """Keys that were not known, of what will be stored if its transaction is committed."""
        if self._sorted is None:
            return
        self._recent.update(keys)
        if len(self._recent) <= RECENT_MAX:
            return
        recent = np.sort(np.fromiter(self._recent, np.int64, len(self._recent)))
        whole = np.concatenate([self._sorted, recent])
        whole.sort(kind="stable")  # which merges two runs that are sorted
        self._sorted = whole if whole.size <= KEYS_MAX else None
        self._recent.clear()
