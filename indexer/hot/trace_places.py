"""Which of some spans are of a trace, by what identifies them. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from indexer.deferred_dataclass import dataclass
from indexer.spans.identity import SpanKeys, trace_key, trace_keys

_NOWHERE: Sequence[int] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TracePlaces:
    """Spans by number, from 0, by the key of a trace that two traces can have."""

    spans: Mapping[int, Sequence[int]]

    @classmethod
    def of(cls, identities: SpanKeys) -> "TracePlaces":
        """Of spans in order; those of a trace stand side by side mostly."""
        keys = trace_keys(identities.trace_hi, identities.trace_lo)
        if not len(keys):
            return cls({})
        begins = [0, *(np.flatnonzero(keys[1:] != keys[:-1]) + 1).tolist()]
        found: dict[int, range | list[int]] = {}
        runs = pairwise([*begins, len(keys)])
        for key, (first, after) in zip(keys[begins].tolist(), runs, strict=True):
            more = range(first, after)
            known = found.setdefault(key, more)
            if isinstance(known, list):
                known += more
            elif known is not more:
                found[key] = [*known, *more]
        return cls(found)

    def find(self, key: int) -> Sequence[int]:
        """Those that may be of it, in order: all that are of it are among them."""
        return self.spans.get(key, _NOWHERE)

    def joined(self, count: int, other: "TracePlaces") -> "TracePlaces":
        """Of these spans, which are so many, and others behind them."""
        found = dict(self.spans)
        for key, numbers in other.spans.items():
            known = found.get(key, _NOWHERE)
            if isinstance(numbers, range) and not known:
                found[key] = range(numbers.start + count, numbers.stop + count)
            else:
                found[key] = [*known, *(number + count for number in numbers)]
        return TracePlaces(found)


def place_key(trace_id: bytes) -> int:
    """What a trace is found by."""
    return trace_key(int.from_bytes(trace_id[:8]), int.from_bytes(trace_id[8:]))
