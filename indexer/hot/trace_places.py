"""Which of some export requests have spans of a trace, by what identifies these spans. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from indexer.deferred_dataclass import dataclass
from indexer.spans.identity import SpanKeys, trace_key, trace_keys

_NOWHERE: Sequence[int] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TracePlaces:
    """Requests by number, from 0, by the key of a trace that two traces can have."""

    requests: Mapping[int, Sequence[int]]

    @classmethod
    def of(cls, identities: SpanKeys, ends: npt.NDArray[np.int64]) -> "TracePlaces":
        """Of spans in order; those of request ``i`` end before ``ends[i]``."""
        keys = trace_keys(identities.trace_hi, identities.trace_lo)
        owners = np.searchsorted(ends, np.arange(len(keys)), side="right")
        begins: npt.NDArray[np.bool_] = np.ones(len(keys), np.bool_)
        begins[1:] = (keys[1:] != keys[:-1]) | (owners[1:] != owners[:-1])
        found: dict[int, list[int]] = {}
        for key, owner in zip(keys[begins].tolist(), owners[begins].tolist(), strict=True):
            places = found.setdefault(key, [])
            if not places or places[-1] != owner:
                places.append(owner)
        return cls(found)

    def find(self, key: int) -> Sequence[int]:
        """The requests that may have spans of it, in order: all that have are among them."""
        return self.requests.get(key, _NOWHERE)


def place_key(trace_id: bytes) -> int:
    """What a trace is found by."""
    return int(trace_key(int.from_bytes(trace_id[:8]), int.from_bytes(trace_id[8:])))
