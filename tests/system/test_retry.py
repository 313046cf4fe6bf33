"""Pauses between tries grow, have an end, and are one rule for all who wait."""

import ast
from pathlib import Path

import pytest

from indexer.system import retry
from indexer.system.retry import AT_ONCE, Backoff

PACKAGE = Path(retry.__file__).parents[1]
CAUSES = {name: one for name, one in vars(retry).items() if isinstance(one, Backoff)}


@pytest.mark.parametrize("cause", CAUSES)
def test_pauses_double_up_to_their_most_with_jitter(cause):
    backoff = CAUSES[cause]
    for failures in (0, 1, 2, 3, 7, 100, 1_100, 10**9):
        exact = min(backoff.most_s, backoff.first_s * 2 ** min(max(failures - 1, 0), 40))
        several = {backoff.pause_s(failures) for _ in range(20)}
        assert all(0.8 * exact <= one <= 1.2 * exact for one in several)
        assert len(several) > 1 or not exact


def failing(times, error=KeyError):
    tries = iter(range(times))
    return lambda: 7 if next(tries, None) is None else (_ for _ in ()).throw(error)


def test_what_works_in_time_is_the_result():
    pauses = []
    found = retry.call(
        failing(2), on=KeyError, backoff=AT_ONCE, tries=3, before_next=lambda: pauses.append(1)
    )
    assert (found, len(pauses)) == (7, 2)


@pytest.mark.parametrize(
    "ends",
    [{"tries": 2}, {"lasting_s": 0.0}, {"stopped": lambda: True}],
    ids=["tries", "time", "stopped"],
)
def test_each_end_raises_the_last_failure(ends):
    with pytest.raises(KeyError):
        retry.call(failing(2), on=KeyError, backoff=AT_ONCE, **ends)


def test_other_errors_are_not_tried_again():
    with pytest.raises(ValueError):
        retry.call(failing(1, ValueError), on=KeyError, backoff=AT_ONCE, tries=3)


def test_nobody_else_lets_pauses_grow():
    """Two to the power of a number of failures exists once; a constant does not grow."""
    grows = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path != Path(retry.__file__)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Pow)
        and not isinstance(node.right, ast.Constant)
    ]
    assert grows == []
