"""Export requests as they are held in memory: as they came, or decoded."""

from bisect import bisect_right
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass

REQUEST_COST_BYTES = 100
"""What keeping a request's key costs beside its spans."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Requests decoded: the rows of request ``i`` end before ``ends[i]``."""

    keys: list[bytes]
    ends: npt.NDArray[np.int64]
    table: pa.Table
    unreadable: list[bytes]
    nbytes: int

    def after(self, key: bytes) -> "Rows":
        """Without the requests up to the key; the memory stays until the last one goes."""
        count = bisect_right(self.keys, key)
        first = int(self.ends[count - 1]) if count else 0
        return replace(
            self,
            keys=self.keys[count:],
            ends=self.ends[count:] - first,
            table=self.table.slice(first),
            unreadable=[one for one in self.unreadable if one > key],
        )

    def concat(self, other: "Rows") -> "Rows":
        """Both as one, copied together."""
        table = pa.concat_tables([self.table, other.table]).combine_chunks()
        keys = self.keys + other.keys
        return Rows(
            keys=keys,
            ends=np.concatenate([self.ends, other.ends + self.table.num_rows]),
            table=table,
            unreadable=self.unreadable + other.unreadable,
            nbytes=table.nbytes + len(keys) * REQUEST_COST_BYTES,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bodies:
    """Requests not decoded; one that cannot be is here as an empty one."""

    keys: list[bytes]
    bodies: list[bytes]
    counts: list[int]
    weights: list[int]
    unreadable: list[bytes]

    def after(self, key: bytes) -> "Bodies":
        """Without the requests up to the key."""
        first = bisect_right(self.keys, key)
        return Bodies(
            keys=self.keys[first:],
            bodies=self.bodies[first:],
            counts=self.counts[first:],
            weights=self.weights[first:],
            unreadable=[one for one in self.unreadable if one > key],
        )

    @property
    def nbytes(self) -> int:
        """Memory that they may come to once they are decoded."""
        return sum(self.weights) + len(self.keys) * REQUEST_COST_BYTES
