"""Which spans of one source meet conditions that only their payload decides.

First by what is known without it, then by the letters of what is stored, and what is left by
canonical values, in the order of the list and no further than its page needs. Where all rows of a
file are read, what they have under the keys that are asked for is learnt.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.query.find.condition_bounds import Bounds, bounds_of
from indexer.query.find.condition_tree import (
    Condition,
    Leaf,
    payload_columns,
    payload_leaves,
)
from indexer.query.find.key_learning import KeyLearning
from indexer.query.find.payload_conditions import (
    AttributeCondition,
    PayloadCondition,
    TextCondition,
)
from indexer.query.find.payload_letters import StoredColumn, may_have_text, may_meet
from indexer.query.find.payload_truth import Payloads, holds
from indexer.read.payload_table import PayloadTable
from indexer.spans.identifiers import BoolArray
from indexer.spans.key_summary import KeySummary

FEW_PARTS = 16
"""Where one row in so many is asked for, or fewer, rows are read by themselves and no column."""
HELD_BYTES_MAX = 8 << 20
"""Of stored payload that waits for its turn; beyond it, it is decided at once."""
DECIDED_AT_FIRST = 64
"""Rows whose canonical values are made at first; twice as many each time that was not enough."""

Places = npt.NDArray[np.intp]
_OF_PAYLOAD = (AttributeCondition, TextCondition)
_OfPayload = Callable[[PayloadCondition, Places], Bounds]
"""What a step says of a condition at some places."""


class PayloadReader(Protocol):
    """The payload of one source. What reads it raises IndexerError."""

    @property
    def row_count(self) -> int:
        """Rows of the source."""
        ...

    def tables(self, names: Sequence[str]) -> Iterator[PayloadTable]:
        """These canonical columns of all rows, in their order."""
        ...

    def values(self, names: Sequence[str], rows: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        """Canonical values of these rows, by column."""
        ...

    def is_absent(self, condition: AttributeCondition) -> bool:
        """Whether it is known that no row can meet the condition."""
        ...

    def learns_key(self, condition: AttributeCondition) -> bool:
        """Whether what all rows have under the condition's key would be kept."""
        ...

    def learn_absence(self, condition: AttributeCondition) -> None:
        """No row can, as all of them say."""
        ...

    def learn_key(self, condition: AttributeCondition, summary: KeySummary) -> None:
        """What all rows have under the condition's key."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownRows:
    """What is known of some rows of a source without their payload; parallel arrays."""

    row: npt.NDArray[np.int64]
    """Of the source, from 0."""
    names: Callable[[Places], list[str]]
    """Of the spans at some places here."""
    holds: Mapping[Leaf, BoolArray]
    """Where each of the conditions holds of which that is known."""


class PayloadSearch:
    """One source's rows, narrowed down step by step. Its methods raise IndexerError."""

    def __init__(self, condition: Condition, known: KnownRows, reader: PayloadReader) -> None:
        self._condition, self._known, self._reader = condition, known, reader
        self._columns = payload_columns(condition)
        known_only = self._decide(np.arange(len(known.row)), self._by_absences)
        self._bounds = Bounds(known_only.may.copy(), known_only.must.copy())
        self._held: list[tuple[Places, PayloadTable]] = []
        self._is_read = False

    @property
    def reads_columns(self) -> bool:
        """Whether so many rows may meet the conditions that whole columns are read for them."""
        return int(self._bounds.is_open.sum()) * FEW_PARTS > self._reader.row_count

    def candidates(self) -> Places:
        """Places of the rows that may meet the conditions: payload is read where it is of many."""
        if self.reads_columns:
            self._narrow(np.flatnonzero(self._bounds.is_open))
        return np.flatnonzero(self._bounds.may)

    def possible(self) -> Places:
        """The same by what is known without payload: no more rows are read than a page needs."""
        return np.flatnonzero(self._bounds.may)

    def first(self, ordered: Places, count: int) -> Places:
        """The first ``count`` that meet the conditions, of places in the order of the list."""
        found: list[Places] = []
        lacking, begin, size = count, 0, DECIDED_AT_FIRST
        while lacking > 0 and begin < len(ordered):
            some = ordered[begin : begin + size]
            self._decide_exactly(some[self._bounds.is_open[some]])
            met = some[self._bounds.must[some]]
            found.append(met[:lacking])
            lacking -= len(met)
            begin, size = begin + size, 2 * size
        return np.concatenate(found) if found else np.zeros(0, np.intp)

    def _by_absences(self, leaf: PayloadCondition, places: Places) -> Bounds:
        is_absent = isinstance(leaf, AttributeCondition) and self._reader.is_absent(leaf)
        return Bounds.at_most(np.full(len(places), not is_absent))

    def _narrow(self, places: Places) -> None:
        """By what is stored, unparsed; what is left of it is kept."""
        self._is_read = True
        places, rows = _by_row(places, self._known.row[places])
        asked = self._of_attributes()
        keys = {(one.owner, one.key): one for one in asked if self._reader.learns_key(one)}
        learning = {key: KeyLearning(one) for key, one in keys.items()}
        met = set[int]()
        first = 0
        for table in self._reader.tables(self._columns):
            begin, end = np.searchsorted(rows, [first, first + len(table)])
            letters = _Letters(table)
            met |= {at for at, one in enumerate(asked) if at not in met and letters.of(one).any()}
            for key, one in keys.items():
                letters.teach(learning[key], one)
            if begin < end:
                self._narrow_some(places[begin:end], rows[begin:end] - first, letters)
            first += len(table)
        for key, one in keys.items():
            self._reader.learn_key(one, learning[key].summary())
        for at, one in enumerate(asked):
            if at not in met:
                self._reader.learn_absence(one)

    def _narrow_some(self, places: Places, inside: Places, letters: "_Letters") -> None:
        """The same of rows of one table, ``inside`` it."""
        self._update(places, self._decide(places, partial(self._by_letters, letters, inside)))
        left = np.flatnonzero(self._bounds.is_open[places])
        if not len(left):
            return
        is_whole = len(left) == len(letters.table)
        table = letters.table if is_whole else letters.table.take(inside[left])
        self._held.append((places[left], table))
        if sum(held.table.nbytes for _, held in self._held) > HELD_BYTES_MAX:
            self._decide_exactly(np.concatenate([held for held, _ in self._held]))
            self._held = []

    def _of_attributes(self) -> list[AttributeCondition]:
        found = payload_leaves(self._condition)
        return [one for one in found if isinstance(one, AttributeCondition)]

    def _by_letters(
        self, letters: "_Letters", inside: Places, leaf: PayloadCondition, places: Places
    ) -> Bounds:
        if isinstance(leaf, TextCondition):
            names = pa.chunked_array([pa.array(self._known.names(places), pa.string())])
            return Bounds.at_most(letters.of_text(leaf, inside, names))
        return Bounds.at_most(letters.of(leaf)[inside])

    def _decide_exactly(self, places: Places) -> None:
        if len(places):
            for some, payloads in self._payloads(places):
                self._update(some, self._decide(some, partial(_truth, payloads)))

    def _payloads(self, places: Places) -> Iterator[tuple[Places, Payloads]]:
        """Canonical values, of what was kept or read for it."""
        if not self._is_read:
            rows = self._known.row[places].tolist()
            values = self._reader.values(self._columns, rows)
            yield places, {**values, "name": self._known.names(places)}
            return
        for held, table in self._held:
            inside = np.flatnonzero(np.isin(held, places))
            if len(inside):
                some = table.take(inside)
                values = {name: some.values(name) for name in self._columns}
                yield held[inside], {**values, "name": self._known.names(held[inside])}

    def _decide(self, places: Places, of_payload: _OfPayload) -> Bounds:
        """The tree, of these places."""

        def leaf_bounds(leaf: Leaf) -> Bounds:
            if isinstance(leaf, _OF_PAYLOAD) and leaf not in self._known.holds:
                return of_payload(leaf, places)
            return Bounds.exact(self._known.holds[leaf][places])

        return bounds_of(self._condition, len(places), leaf_bounds)

    def _update(self, places: Places, bounds: Bounds) -> None:
        self._bounds.may[places] = bounds.may
        self._bounds.must[places] = bounds.must


class _Letters:
    """What the letters of one table say; each condition on attributes is looked for once."""

    def __init__(self, table: PayloadTable) -> None:
        self.table = table
        self._columns: dict[str, StoredColumn | None] = {}
        self._found: dict[str, BoolArray] = {}

    def of(self, leaf: AttributeCondition) -> BoolArray:
        """Which rows may meet it."""
        key = repr(leaf)
        if key not in self._found:
            column = self._column(leaf)
            every: BoolArray = np.ones(len(self.table), np.bool_)
            self._found[key] = every if column is None else may_meet(leaf, column)
        return self._found[key]

    def of_text(self, leaf: TextCondition, inside: Places, names: pa.ChunkedArray) -> BoolArray:
        """The same of some rows, whose spans have these names."""
        table = self.table if len(inside) == len(self.table) else self.table.take(inside)
        return may_have_text(leaf, names, {name: table.texts(name) for name in leaf.columns})

    def teach(self, learning: KeyLearning, leaf: AttributeCondition) -> None:
        """What the rows have under the condition's key."""
        column = self._column(leaf)
        scanned = None if column is None else column.key(leaf.key)
        having = self.of(AttributeCondition(owner=leaf.owner, key=leaf.key))
        (name,) = leaf.columns
        learning.see(scanned, having, lambda rows: self.table.take(rows).values(name))

    def _column(self, leaf: AttributeCondition) -> StoredColumn | None:
        (name,) = leaf.columns
        if name not in self._columns:
            texts = self.table.texts(name)
            of_events = leaf.owner == "event"
            self._columns[name] = (
                None if texts is None else StoredColumn(texts, of_events=of_events)
            )
        return self._columns[name]


def _by_row(places: Places, rows: npt.NDArray[np.int64]) -> tuple[Places, npt.NDArray[np.int64]]:
    """Places of rows, each of which has one, in the order of the rows; and these."""
    if (rows[1:] >= rows[:-1]).all():
        return places, rows
    place_of = np.full(int(rows.max()) + 1, -1, np.intp)
    place_of[rows] = places
    ordered = np.flatnonzero(place_of >= 0)
    return place_of[ordered], ordered


def _truth(payloads: Payloads, leaf: PayloadCondition, _places: Places) -> Bounds:
    return Bounds.exact(holds(leaf, payloads))
