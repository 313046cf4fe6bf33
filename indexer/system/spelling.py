"""How near two names are, so that a misspelt one is answered with the one that was meant."""

from collections.abc import Iterable

NAME_CHARS_MAX = 64
"""Of a name that is compared: far longer than any of ours, and the work is its square."""


def edits(one: str, other: str) -> int:
    """Letters to add, leave out, change or swap with their neighbour to make one the other.

    The optimal string alignment distance: each place is edited once.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def closest(name: str, names: Iterable[str], count: int) -> list[str]:
    """The ``count`` closest of the names, the closest first, however far away they are."""
    name = name[:NAME_CHARS_MAX]
    return sorted(names, key=lambda one: (edits(name, one), one))[:count]


def nearest(name: str, names: Iterable[str], edits_max: int) -> str | None:
    """The closest of the names, at most so many edits away; None when there is none."""
    if len(name) > NAME_CHARS_MAX:
        return None
    close = ((edits(name, one), one) for one in names if abs(len(one) - len(name)) <= edits_max)
    found, best = min(close, default=(edits_max + 1, ""))
    return best if found <= edits_max else None
