"""What is ruled out of a leaf is ruled out of the tree where the words say so."""

from __future__ import annotations

import pytest

from indexer.query.find.condition_bounds import may_hold
from indexer.query.find.condition_tree import AllOf, AnyOf, Condition, IsRoot, NotMet
from indexer.query.find.payload_conditions import AttributeCondition

OUT, IN = AttributeCondition(key="out"), AttributeCondition(key="in")


@pytest.mark.parametrize(
    ("condition", "may"),
    [
        (OUT, False),
        (IN, True),
        (IsRoot(), True),
        (AllOf((IN, OUT)), False),
        (AnyOf((IN, OUT)), True),
        (AnyOf((OUT, OUT)), False),
        (NotMet(OUT), True),
        (NotMet(NotMet(OUT)), False),
        (AllOf(()), True),
    ],
)
def test_a_condition_may_hold_unless_it_rests_on_what_is_ruled_out(
    condition: Condition, may: bool
) -> None:
    assert may_hold(condition, lambda leaf: leaf == OUT) == may
