"""Export requests as they came, decoded once, and not before somebody needs all their rows.

Decoding is what hot spans cost: 8 ms for a request of 512 spans. One trace is found without it: of
each request it is found out once which traces it has, a tenth of that, and of those that
have the trace its spans alone are decoded.
"""

import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp
from indexer.hot.decoding import Decoder, decode_parts
from indexer.hot.identity import identified_rows, keys_of
from indexer.hot.trace_places import TracePlaces, place_key
from indexer.spans.identity import SpanKeys
from indexer.system import arrow_compute as pc
from indexer.wire.generated import ingestion_pb2 as wire

REQUEST_COST_BYTES = 100
"""What keeping a request's key costs beside its spans."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Requests decoded: the rows of request ``i`` end before ``ends[i]``."""

    keys: list[bytes]
    ends: npt.NDArray[np.int64]
    table: pa.Table
    unreadable: list[bytes]
    nbytes: int

    def after(self, key: bytes) -> "Rows":
        """Without the requests up to the key; the memory stays until the last one goes."""
        count = bisect_right(self.keys, key)
        first = int(self.ends[count - 1]) if count else 0
        return replace(
            self,
            keys=self.keys[count:],
            ends=self.ends[count:] - first,
            table=self.table.slice(first),
            unreadable=[one for one in self.unreadable if one > key],
        )

    def concat(self, other: "Rows") -> "Rows":
        """Both as one, copied together."""
        table = pa.concat_tables([self.table, other.table]).combine_chunks()
        keys = self.keys + other.keys
        return Rows(
            keys=keys,
            ends=np.concatenate([self.ends, other.ends + self.table.num_rows]),
            table=table,
            unreadable=self.unreadable + other.unreadable,
            nbytes=table.nbytes + len(keys) * REQUEST_COST_BYTES,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bodies:
    """Requests not decoded; one that cannot be is here as an empty one."""

    keys: list[bytes]
    bodies: list[bytes]
    counts: list[int]
    weights: list[int]
    unreadable: list[bytes]

    def after(self, key: bytes) -> "_Bodies":
        first = bisect_right(self.keys, key)
        return _Bodies(
            keys=self.keys[first:],
            bodies=self.bodies[first:],
            counts=self.counts[first:],
            weights=self.weights[first:],
            unreadable=[one for one in self.unreadable if one > key],
        )

    @property
    def nbytes(self) -> int:
        return sum(self.weights) + len(self.keys) * REQUEST_COST_BYTES


class Requests:
    """Some requests in order of key. Any thread may ask; nothing of them changes."""

    def __init__(self, decoder: Decoder, held: _Bodies | Rows) -> None:
        self._decoder = decoder
        self._held = held
        self._decoding = threading.Lock()
        self._identities: SpanKeys | None = None
        self._places: TracePlaces | None = None

    @classmethod
    def from_wire(cls, decoder: Decoder, requests: Sequence[wire.HotRequest]) -> Self:
        """As the server sent them. Each is parsed, so that it is known which cannot be read."""
        keys = [one.key for one in requests]
        bodies, weights, unreadable = [], [], []
        for one in requests:
            body = one.body
            try:
                body = decoder.bounded(body)
                weights.append(decoder.weight(body))
            except InvalidOtlp:
                body = b""
                weights.append(0)
                unreadable.append(one.key)
            bodies.append(body)
        counts = [one.span_count if body else 0 for one, body in zip(requests, bodies, strict=True)]
        return cls(
            decoder,
            _Bodies(
                keys=keys, bodies=bodies, counts=counts, weights=weights, unreadable=unreadable
            ),
        )

    @property
    def keys(self) -> list[bytes]:
        """Ascending."""
        return self._held.keys

    @property
    def unreadable(self) -> list[bytes]:
        """Keys of those that do not decode; they have no rows."""
        return self._held.unreadable

    @property
    def nbytes(self) -> int:
        """Memory held; before they are decoded, what they may come to."""
        return self._held.nbytes

    @property
    def body_bytes(self) -> int:
        """Of those that are not decoded."""
        held = self._held
        return 0 if isinstance(held, Rows) else sum(map(len, held.bodies))

    @property
    def decoded(self) -> Rows | None:
        """If they are."""
        return self._held if isinstance(self._held, Rows) else None

    @property
    def count(self) -> int:
        """Spans; before they are decoded, as the server says."""
        held = self._held
        return int(held.table.num_rows) if isinstance(held, Rows) else sum(held.counts)

    def identities(self) -> SpanKeys:
        """Of all spans, in order; kept, because they are asked for again and again."""
        if self._identities is None:  # two threads may both find them
            held = self._held
            self._identities = (
                keys_of(held.table)
                if isinstance(held, Rows)
                else SpanKeys.joined(self._identities_by_request(held))
            )
        return self._identities

    def rows(self) -> Rows:
        """Decode, unless that was done."""
        with self._decoding:
            held = self._held
            if isinstance(held, _Bodies):
                self._held = held = self._decode(held)
            return held

    def trace(self, trace_id: bytes, key: int) -> pa.Table | None:
        """The rows of one trace, which has this ``place_key``; None where there are none.

        It does not wait while another thread decodes.
        """
        held = self._held
        if isinstance(held, Rows):
            is_of_trace = pc.equal(held.table["trace_id"], trace_id.hex())
            return held.table.filter(is_of_trace) if pc.any(is_of_trace).as_py() else None
        places = self._trace_places(held).find(key)
        if not places:
            return None
        chosen = [self._decoder.of_trace(held.bodies[place], trace_id) for place in places]
        found = identified_rows(self._decoder.requests(chosen))[0]
        return found if found.num_rows else None

    def _trace_places(self, held: _Bodies) -> TracePlaces:
        """Found out once; rows are looked through instead, which is quicker than to do this."""
        if self._places is None:  # two threads may both find them
            found = self._identities_by_request(held)
            self._identities = identities = SpanKeys.joined(found)
            ends = np.cumsum([len(one) for one in found], dtype=np.int64)
            self._places = TracePlaces.of(identities, ends)
        return self._places

    def _identities_by_request(self, held: _Bodies) -> list[SpanKeys]:
        return [
            self._decoder.identities([body]) if body else SpanKeys.empty() for body in held.bodies
        ]

    def after(self, key: bytes) -> "Requests":
        """Those above the key."""
        return self if key < self.keys[0] else Requests(self._decoder, self._held.after(key))

    def _decode(self, held: _Bodies) -> Rows:
        found = decode_parts(self._decoder.requests, held.bodies, held.counts)
        return Rows(
            keys=held.keys,
            ends=found.ends,
            table=found.table,
            unreadable=sorted([*held.unreadable, *(held.keys[at] for at in found.unreadable)]),
            nbytes=found.table.nbytes + len(held.keys) * REQUEST_COST_BYTES,
        )


class HotRequests:
    """The rows of several ``Requests``, as a view has them."""

    def __init__(self, decoder: Decoder, parts: Sequence[Requests]) -> None:
        self._decoder = decoder
        self._parts = tuple(parts)
        self._table: pa.Table | None = None

    def table(self) -> pa.Table:
        """All of them, in order of key; decoded when this is first asked."""
        if self._table is None:  # two threads may both make it, of the same parts
            tables = [part.rows().table for part in self._parts]
            self._table = pa.concat_tables(tables or [self._decoder.empty()])
        return self._table

    def count(self) -> int:
        """How many there are, as their server says while they are not decoded."""
        return sum(part.count for part in self._parts)

    def identities(self) -> SpanKeys:
        """What identifies each of them; nothing is decoded for it."""
        return SpanKeys.joined([part.identities() for part in self._parts])

    def trace(self, trace_id: str) -> pa.Table:
        """Those of one trace, by 32 hex digits."""
        wanted = bytes.fromhex(trace_id)
        key = place_key(wanted)
        found = [rows for part in self._parts if (rows := part.trace(wanted, key)) is not None]
        return pa.concat_tables(found) if found else self._decoder.empty()
