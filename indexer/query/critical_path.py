"""The critical path of a trace: which span each moment from its beginning to its end waited for.

Walked backwards from the end: a span waited for the child that ended last, before that for the
child that had ended last when that one began, and was at work itself in between. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import field

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """A time in which the trace waited for one span. In nanoseconds, [from, until)."""

    position: int
    """Of the span."""
    from_unix_nano: int
    until_unix_nano: int

    @property
    def duration_ns(self) -> int:
        """How long it is."""
        return self.until_unix_nano - self.from_unix_nano


@dataclass(slots=True)
class _Visit:
    """A span on the path, from its end to as far back as it has been followed."""

    position: int
    begin: int
    reached: int
    """Where the path goes on, backwards."""
    children: Iterator[tuple[int, int, int]] = field(default_factory=lambda: iter(()))
    """(end, -begin, -position) within the span, the last to end first."""


def critical_path(
    times: Sequence[tuple[int, int] | None],
    children: dict[int | None, list[int]],
    root: int,
) -> list[Segment]:
    """Segments in order of time that cover the root's time without a gap.

    ``times`` has (start, end) of each span, None where one is unknown: such spans, and those that
    end before they start, are on no path. A child counts within its parent's time alone.
    """
    known = times[root]
    if known is None or known[1] <= known[0]:
        return []
    backwards: list[Segment] = []
    visits = [_visit(times, children, root, *known)]
    passed = {root}
    while visits:
        visit = visits[-1]
        found = next((one for one in visit.children if one[0] <= visit.reached), None)
        end, begin = (visit.begin, visit.begin) if found is None else (found[0], -found[1])
        if end < visit.reached:
            backwards.append(Segment(visit.position, end, visit.reached))
        visit.reached = begin
        if found is None:
            visits.pop()
        elif -found[2] not in passed:
            passed.add(-found[2])
            visits.append(_visit(times, children, -found[2], begin, end))
    return backwards[::-1]


def _visit(
    times: Sequence[tuple[int, int] | None],
    children: dict[int | None, list[int]],
    position: int,
    begin: int,
    end: int,
) -> _Visit:
    held = []
    for child in children.get(position, ()):
        known = times[child]
        if known is not None:
            first, last = max(known[0], begin), min(known[1], end)
            if first < last:
                held.append((last, -first, -child))
    return _Visit(position, begin, end, iter(sorted(held, reverse=True)))
