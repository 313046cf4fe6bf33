"""How a tree of conditions is decided, step by step. Pure.

The steps cost more and more: what the index knows, the letters of stored payload, and its canonical
values. Each says of every leaf which spans may meet it and which must; both pass through and, or
and not, and what must hold or cannot is decided.
"""

from collections.abc import Callable

import numpy as np

from indexer.deferred_dataclass import dataclass
from indexer.query.find.condition_tree import AllOf, AnyOf, Condition, Leaf, NotMet
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.spans.identifiers import BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Of which spans a condition may hold, and of which it must: the latter are among the first."""

    may: BoolArray
    must: BoolArray

    @classmethod
    def exact(cls, holds: BoolArray) -> "Bounds":
        """It is known."""
        return cls(holds, holds)

    @classmethod
    def at_most(cls, may: BoolArray) -> "Bounds":
        """It is known of which spans it does not hold."""
        return cls(may, np.zeros(len(may), np.bool_))

    @property
    def is_open(self) -> BoolArray:
        """Of which spans it is not known."""
        return self.may & ~self.must


def bounds_of(condition: Condition, count: int, leaf: Callable[[Leaf], Bounds]) -> Bounds:
    """Those of the tree for ``count`` spans, out of those of its leaves."""
    if isinstance(condition, NotMet):
        inner = bounds_of(condition.part, count, leaf)
        return Bounds(~inner.must, ~inner.may)
    if not isinstance(condition, AllOf | AnyOf):
        return leaf(condition)
    is_all = isinstance(condition, AllOf)
    join = np.logical_and if is_all else np.logical_or
    may, must = np.full(count, is_all), np.full(count, is_all)
    for part in condition.parts:
        inner = bounds_of(part, count, leaf)
        may, must = join(may, inner.may), join(must, inner.must)
    return Bounds(may, must)


def may_hold(condition: Condition, is_ruled_out: Callable[[AttributeCondition], bool]) -> bool:
    """Whether it may hold of some span, where the leaves that are ruled out hold of none."""

    def leaf_bounds(leaf: Leaf) -> Bounds:
        is_out = isinstance(leaf, AttributeCondition) and is_ruled_out(leaf)
        return Bounds.at_most(np.full(1, not is_out))

    return bool(bounds_of(condition, 1, leaf_bounds).may[0])
