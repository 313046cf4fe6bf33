"""Which copy of a span is the one that counts, when several files hold it. Pure.

The copy in the file with the smallest relative path wins; inside a file, the first one. The rule
knows nothing of arrival, so any history ends in the catalog that a rebuild from the files would
make (invariants I1 and I2).
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from indexer.deferred_dataclass import dataclass
from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import BoolArray
from indexer.spans.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Who owns the contested spans."""

    staged_lost: npt.NDArray[np.intp]
    """Positions in the staged columns of copies that are not to be indexed."""
    registered_lost: npt.NDArray[np.intp]
    """Positions in the registered columns of copies that have to leave the index."""


def settle_contest(
    staged: SpanColumns,
    shared: BoolArray,
    registered: SpanColumns,
    staged_paths: Sequence[str],
    registered_path: Callable[[int], str],
) -> Contest:
    """Compare the staged spans of shared traces with each other and with registered ones.

    ``shared`` marks the staged rows whose trace is held by another file too. ``registered`` are
    the rows of those traces that the index has, each identity once; ``registered_path`` gives
    the relative path of a slot of theirs.
    """
    positions = np.flatnonzero(shared)
    staged_keys, registered_keys = staged.keys, registered.keys
    hashes = np.concatenate([staged_keys.hashes[positions], registered_keys.hashes])
    contested = occurring_twice(hashes)
    holders: dict[Identity, list[tuple[str, int]]] = {}
    for index in np.flatnonzero(contested):
        if index < len(positions):
            at = int(positions[index])
            identity = staged_keys.exact(at)
            entry = (staged_paths[int(staged.slot[at])], at)
        else:
            at = int(index) - len(positions)
            identity = registered_keys.exact(at)
            entry = (registered_path(int(registered.slot[at])), -1 - at)
        holders.setdefault(identity, []).append(entry)
    losers = [at for copies in holders.values() for _, at in sorted(copies)[1:]]
    return Contest(
        staged_lost=np.array([at for at in losers if at >= 0], np.intp),
        registered_lost=np.array([-1 - at for at in losers if at < 0], np.intp),
    )


def occurring_twice(keys: npt.NDArray[np.uint64]) -> BoolArray:
    """Which keys stand at more than one position."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    twice = np.zeros(len(keys), np.bool_)
    twice[order[1:][same]] = True
    twice[order[:-1][same]] = True
    return twice
