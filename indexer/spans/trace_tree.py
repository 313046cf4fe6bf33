"""The tree of a trace out of each span's parent, whatever the parents say. Pure."""

from collections.abc import Iterator, Sequence


def children_of(parents: Sequence[int | None]) -> dict[int | None, list[int]]:
    """The positions of each span's children, in order; those of None have no parent here."""
    children: dict[int | None, list[int]] = {}
    for position, parent in enumerate(parents):
        children.setdefault(parent, []).append(position)
    return children


def depth_first(parents: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """(depth, position) of every span once, children after their parent and in their order.

    Spans that are each other's parents follow at the end, each cycle from its first span.
    """
    children = children_of(parents)
    passed: set[int] = set()
    for starts in (children.get(None, []), range(len(parents))):
        for start in starts:
            stack = [(0, start)]
            while stack:
                depth, position = stack.pop()
                if position in passed:
                    continue
                passed.add(position)
                yield depth, position
                stack += [(depth + 1, child) for child in reversed(children.get(position, []))]
