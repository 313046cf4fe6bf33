"""Which query sees which rows: one snapshot of all rings, from its first look to its end.

A query holds a lease, which is a number here, for each place where it names a live table. Leases
end in the middle of anything, so their ends are only noted there and counted later.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import field
from threading import Lock

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused, SnapshotEvicted
from indexer.live.limits import RingLimits
from indexer.live.ring import Piece, Ring, RingCounts, RingSnapshot

QueryKey = tuple[int, int]
"""(connection, query) as DuckDB numbers them."""


@dataclass(slots=True)
class _Held:
    """What one query sees."""

    rings: Mapping[str, RingSnapshot]
    leases: set[int] = field(default_factory=set)
    is_evicted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotCounts:
    """Queries that read, and what they hold beyond the rings."""

    queries: int
    pinned_bytes: int
    pinned_bytes_max: int
    expired_queries: int


class Snapshots:
    """Rings that are written and read together, and the queries that read them."""

    def __init__(self, rings: Mapping[str, Ring], *, pinned_bytes_max: int) -> None:
        self._opened: deque[int] = deque()
        self._released: deque[int] = deque()
        self._rings = dict(rings)
        self._pinned_bytes_max = pinned_bytes_max
        self._lock = Lock()
        self._pending: set[int] = set()
        """Leases that have not said yet which query they are of."""
        self._queries: dict[QueryKey, _Held] = {}
        self._query_of: dict[int, QueryKey] = {}
        self._expired = 0
        self._is_closed = False

    def open_lease(self, lease: int) -> None:
        """Note that a query has a lease; which one it is, ``begin`` says. Takes no lock."""
        self._opened.append(lease)

    def release_lease(self, lease: int) -> None:
        """Note that a lease has ended. Takes no lock."""
        self._released.append(lease)

    def add(self, name: str, ring: Ring) -> None:
        """One more ring; queries that have begun do not see it."""
        with self._lock:
            self._rings[name] = ring

    def remove(self, name: str) -> None:
        """Let go of a ring; queries that have begun end with what they see of it."""
        with self._lock:
            del self._rings[name]

    def limits(self, ring: str) -> RingLimits:
        """Of a ring."""
        with self._lock:
            return self._rings[ring].limits

    def append(self, ring: str, pieces: Sequence[Piece]) -> None:
        """Add rows; the next query sees them. Nothing happens once it is closed.

        Raises QueryRefused where there is no such ring.
        """
        with self._lock:
            if self._is_closed:
                return
            if ring not in self._rings:
                raise QueryRefused(f"there is no ring {ring}", hint="")
            self._rings[ring].append(pieces)
            if self._queries:
                self._settle()
                self._expire()

    def begin(self, lease: int, query: QueryKey, ring: str) -> RingSnapshot:
        """What the query of a lease sees of a ring.

        Raises SnapshotEvicted, and QueryRefused when the schema is detached.
        """
        with self._lock:
            held = self._queries.get(query)
            if held is None:
                if self._is_closed:
                    raise QueryRefused("the live schema is detached", hint="Attach it again.")
                held = _Held({name: one.snapshot() for name, one in self._rings.items()})
                self._queries[query] = held
            held.leases.add(lease)
            self._query_of[lease] = query
            self._settle()
            return self._of(held, ring)

    def read(self, lease: int, ring: str) -> RingSnapshot:
        """The same for a lease that has begun."""
        with self._lock:
            query = self._query_of.get(lease)
            if query is None:
                raise QueryRefused("the live table is read outside of a query", hint="")
            return self._of(self._queries[query], ring)

    def counts(self) -> tuple[dict[str, RingCounts], SnapshotCounts]:
        """Of each ring, and of all queries."""
        with self._lock:
            self._settle()
            return {name: ring.counts() for name, ring in self._rings.items()}, SnapshotCounts(
                queries=len(self._queries),
                pinned_bytes=self._pinned_bytes(),
                pinned_bytes_max=self._pinned_bytes_max,
                expired_queries=self._expired,
            )

    def close(self) -> None:
        """Take no more rows. Queries that have begun end with what they see."""
        with self._lock:
            self._is_closed = True
            self._settle()
            self._rings = {name: ring.emptied() for name, ring in self._rings.items()}

    def _of(self, held: _Held, ring: str) -> RingSnapshot:
        if held.is_evicted:
            self._expired += 1
            raise SnapshotEvicted(
                f"while the query ran, more than {self._pinned_bytes_max} bytes of its rows left "
                "the live tables"
            )
        found = held.rings.get(ring)
        if found is None:
            raise QueryRefused(f"the ring {ring} was made after the query began", hint="Ask again.")
        return found

    def _settle(self) -> None:
        """Count the leases that have begun and ended since."""
        while self._opened:
            self._pending.add(self._opened.popleft())
        while self._released:
            lease = self._released.popleft()
            self._pending.discard(lease)
            query = self._query_of.pop(lease, None)
            if query is not None:
                self._queries[query].leases.discard(lease)
        self._pending -= self._query_of.keys()
        if not self._pending:  # or a query might be between one place and the next
            for query in [key for key, held in self._queries.items() if not held.leases]:
                del self._queries[query]

    def _expire(self) -> None:
        """While queries hold too much that has left, the oldest one loses its snapshot."""
        held = iter(list(self._queries.values()))
        while self._pinned_bytes() > self._pinned_bytes_max:
            oldest = next(held)
            oldest.is_evicted, oldest.rings = True, {}

    def _pinned_bytes(self) -> int:
        held = [one.rings for one in self._queries.values()]
        return sum(
            _union_bytes([rings[name] for rings in held if name in rings], ring.first_byte)
            for name, ring in self._rings.items()
        )


def _union_bytes(snapshots: Sequence[RingSnapshot], first_byte: int) -> int:
    """Bytes of all the segments that snapshots have and the ring, beginning there, has not."""
    total = end = 0
    for first, last in sorted(
        (one.segments[0].first_byte, min(one.segments[-1].end_byte, first_byte))
        for one in snapshots
        if one.segments
    ):
        total += max(0, last - max(first, end))
        end = max(end, last)
    return total
