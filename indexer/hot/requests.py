"""Export requests as they came, decoded once, and not before somebody needs all their rows.

Decoding is what hot spans cost: 8 ms for a request of 512 spans. One trace is found without it: of
each request it is found out once which traces it has and where their spans stand, a tenth of that,
and the spans of the trace alone are decoded.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

import pyarrow as pa

from indexer.errors import InvalidOtlp
from indexer.hot.decoding import Decoder, decode_metadata, decode_parts
from indexer.hot.held_requests import REQUEST_COST_BYTES, Bodies, Rows
from indexer.hot.identity import identified_rows, keys_of
from indexer.hot.metadata import HotMetadata, MetadataRuns, ReadColumns
from indexer.hot.span_places import FEW_SPANS, SpanPlaces
from indexer.hot.trace_places import TracePlaces, place_key
from indexer.otlp.span_rows import SpanRow
from indexer.spans.identity import SpanKeys
from indexer.system import arrow_compute as pc
from indexer.wire.generated import ingestion_pb2 as wire


class Requests:
    """Some requests in order of key. Any thread may ask; nothing of them changes."""

    def __init__(self, decoder: Decoder, held: Bodies | Rows) -> None:
        self._decoder = decoder
        self._held = held
        self._decoding = threading.Lock()
        self._identities: SpanKeys | None = None
        self._places: SpanPlaces | None = None
        self._metadata: HotMetadata | None = None

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
            Bodies(keys=keys, bodies=bodies, counts=counts, weights=weights, unreadable=unreadable),
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
        return self._held.nbytes + (0 if self._metadata is None else self._metadata.nbytes)

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
            held, places = self._held, self._places
            if isinstance(held, Rows):
                self._identities = keys_of(held.table)
            elif places is not None and places.held is held:
                self._identities = places.identities()
            else:
                self._identities = SpanKeys.joined([self._of_body(one) for one in held.bodies])
        return self._identities

    def metadata(self, read: ReadColumns) -> HotMetadata:
        """What each span is, in order; kept. Their payload is not decoded for it."""
        if self._metadata is None:  # two threads may both find it
            found = self._read_metadata(read)
            rows = self.decoded
            if rows is not None and rows.table.num_rows != found.row_count:
                found = HotMetadata.of(rows.table, read)  # decoded meanwhile, not all of it
            self._metadata = found
        return self._metadata

    def _read_metadata(self, read: ReadColumns) -> HotMetadata:
        held = self._held
        if isinstance(held, Bodies):
            with suppress(InvalidOtlp):  # which of them do is known once all are decoded
                return decode_metadata(self._decoder, held.bodies, held.counts, read)
        return HotMetadata.of(self.rows().table, read)

    def rows(self) -> Rows:
        """Decode, unless that was done."""
        with self._decoding:
            held = self._held
            if isinstance(held, Bodies):
                places, bodies = self._places, held
                held = self._decode(bodies)
                if held.unreadable != bodies.unreadable:
                    self._metadata = None  # it has spans whose payload does not decode
                elif places is not None:
                    self._places = SpanPlaces(held=held, spans=places.spans)
                self._held = held
            return held

    def trace(self, trace_id: bytes, key: int) -> pa.Table | None:
        """The rows of one trace, which has this ``place_key``; None where there are none.

        It does not wait while another thread decodes.
        """
        held = self._held
        if isinstance(held, Rows):
            is_of_trace = pc.equal(held.table["trace_id"], trace_id.hex())
            return held.table.filter(is_of_trace) if pc.any(is_of_trace).as_py() else None
        places = self._span_places(held)
        requests = places.by_request(places.spans.find(key))
        if not requests:
            return None
        chosen = [self._decoder.of_trace(held.bodies[one], trace_id) for one in requests]
        found = identified_rows(self._decoder.requests(chosen))[0]
        return found if found.num_rows else None

    def places(self, *, may_wait: bool) -> SpanPlaces | None:
        """Where the spans of each trace are; None for who may not wait until that is known."""
        held, places = self._held, self._places
        if places is not None and places.held is held:
            return places
        return self._span_places(held) if may_wait else None

    def _span_places(self, held: Bodies | Rows) -> SpanPlaces:
        """Found out once."""
        places = self._places
        if places is None or places.held is not held:  # two threads may both find them
            self._places = places = (
                SpanPlaces(held=held, spans=TracePlaces.of(keys_of(held.table)))
                if isinstance(held, Rows)
                else SpanPlaces.of_bodies(held)
            )
        return places

    def after(self, key: bytes) -> "Requests":
        """Those above the key."""
        if key < self.keys[0]:
            return self
        held, metadata = self._held, self._metadata
        later = Requests(self._decoder, held.after(key))
        if metadata is not None and metadata.has_every_row and isinstance(held, Rows):
            later._metadata = metadata.after(metadata.row_count - later.count)
        return later

    def joined(self, other: "Requests") -> "Requests | None":
        """These and those behind them, if all are decoded."""
        first, second = self.decoded, other.decoded
        if first is None or second is None:
            return None
        both = Requests(self._decoder, first.concat(second))
        if self._places is not None:
            spans = self._span_places(first).spans
            more = other._span_places(second).spans  # noqa: SLF001 - of the same class
            joined = spans.joined(first.table.num_rows, more)
            both._places = SpanPlaces(held=both._held, spans=joined)
        known = [one for one in (self._metadata, other._metadata) if one is not None]  # noqa: SLF001
        if len(known) > 1:
            both._metadata = HotMetadata.joined(known)
        return both

    def _of_body(self, body: bytes) -> SpanKeys:
        return self._decoder.identities([body]) if body else SpanKeys.empty()

    def _decode(self, held: Bodies) -> Rows:
        found = decode_parts(self._decoder.requests, held.bodies, held.counts)
        return Rows(
            keys=held.keys,
            ends=found.ends,
            table=found.table,
            unreadable=sorted([*held.unreadable, *(held.keys[at] for at in found.unreadable)]),
            nbytes=found.table.nbytes + len(held.keys) * REQUEST_COST_BYTES,
        )


_EachPlaces = list[tuple[Mapping[int, Sequence[int]], SpanPlaces]]


class HotRequests:
    """The rows of several ``Requests``, as a view has them."""

    def __init__(
        self, decoder: Decoder, parts: Sequence[Requests], runs: MetadataRuns | None = None
    ) -> None:
        """``runs`` are those of the rows before, which are the same in part."""
        self._decoder = decoder
        self._parts = tuple(parts)
        self._runs = runs or MetadataRuns()
        self._table: pa.Table | None = None
        self._places: _EachPlaces | None = None

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

    def metadata(self, read: ReadColumns) -> Sequence[HotMetadata]:
        """What each of them is; no payload is decoded for it."""
        return self._runs.of(self._parts, read)

    @property
    def nbytes(self) -> int:
        """Memory that all of them may take at most."""
        return sum(part.nbytes for part in self._parts)

    def trace(self, trace_id: str) -> pa.Table:
        """Those of one trace, by 32 hex digits."""
        wanted = bytes.fromhex(trace_id)
        key = place_key(wanted)
        found = [rows for part in self._parts if (rows := part.trace(wanted, key)) is not None]
        return pa.concat_tables(found) if found else self._decoder.empty()

    def few(self, trace_id: str, *, may_wait: bool) -> list[SpanRow] | None:
        """The same as values, where these are few and, if nobody may wait, at hand."""
        every = self._span_places(may_wait=may_wait)
        if every is None:
            return None
        key = place_key(bytes.fromhex(trace_id))
        found: list[SpanRow] = []
        for places in [places for numbers, places in every if key in numbers]:
            rows = places.few(self._decoder, trace_id, key)
            if rows is None:
                return None
            found += rows
        return found if len(found) <= FEW_SPANS else None

    def _span_places(self, *, may_wait: bool) -> "_EachPlaces | None":
        """Those of all parts, and the keys that each has; kept, since parts are many."""
        if self._places is None:  # two threads may both find them
            every: _EachPlaces = []
            for part in self._parts:
                places = part.places(may_wait=may_wait)
                if places is None:
                    return None
                every.append((places.spans.spans, places))
            self._places = every
        return self._places
