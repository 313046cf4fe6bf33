"""What hot spans are, as columns of the index, for those who need nothing of what they say. Pure.

It is read of a request once, without its payload, and joined as requests come.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.columns import SpanColumns, concatenate, sorted_by_trace, without_doubles
from indexer.spans.identifiers import UInt64Array
from indexer.spans.texts import Texts

if TYPE_CHECKING:  # tables need no protobuf
    from indexer.otlp.metadata_arrays import MetadataArrays

ReadColumns = Callable[[pa.Table], SpanColumns]
"""The columns of decoded spans; each has the number of its row in the table."""
ROW_BYTES = 128
"""Of a span's columns, beside its texts, which spans share: once for what came together, and once
for what was joined."""
RUN_ROWS_MAX = 65_536
"""Of a run that is joined of others: 8 ms, which a question may wait for."""
_NO_FILE = np.zeros(1, np.int32)


class HotMetadata:
    """Spans of some rows, fewer where copies of one were left out. Nothing of it changes."""

    def __init__(self, columns: SpanColumns, row_count: int) -> None:
        """``columns`` have the number of each span's row."""
        self.columns = columns
        self.row_count = row_count

    @property
    def nbytes(self) -> int:
        """Memory held, about."""
        return ROW_BYTES * len(self.columns)

    @property
    def has_every_row(self) -> bool:
        """Whether no copy was left out, of which the first may go before the other."""
        return len(self.columns) == self.row_count

    @cached_property
    def table(self) -> pa.Table:
        """The columns of ``indexed_spans``, with 0 for the file."""
        return self.columns.to_arrow(_NO_FILE)

    @cached_property
    def sorted_hashes(self) -> UInt64Array:
        """Of what identifies each span."""
        return np.sort(self.columns.keys.hashes)

    @cached_property
    def has_copies(self) -> bool:
        """Whether two spans are copies of one."""
        return bool((self.sorted_hashes[1:] == self.sorted_hashes[:-1]).any())

    @classmethod
    def of(cls, table: pa.Table, read: ReadColumns) -> "HotMetadata":
        """The rows of a table."""
        return cls(read(table), table.num_rows)

    @classmethod
    def of_arrays(cls, found: "MetadataArrays") -> "HotMetadata":
        """The same of a table that says this: nothing in it is what a reader would change."""
        count = len(found.span)
        columns = SpanColumns(
            slot=np.zeros(count, np.int32),
            row=np.arange(count, dtype=np.int32),
            position=np.zeros(count, np.int32),
            trace_hi=found.trace_high,
            trace_lo=found.trace_low,
            span_id=found.span,
            parent_span_id=found.parent,
            start=found.start,
            duration=found.end - found.start,
            status=found.status,
            kind=found.kind,
            service=Texts.from_arrow(found.service),
            name=Texts.from_arrow(found.name),
        )
        return cls(without_doubles(sorted_by_trace(columns), 1)[0], count)

    @classmethod
    def joined(cls, parts: "Sequence[HotMetadata]") -> "HotMetadata":
        """The rows of several as those of one, in their order."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls(SpanColumns.empty(), 0)
        first_rows = np.cumsum([0, *(one.row_count for one in parts)])
        columns = concatenate([one.columns for one in parts], [1] * len(parts))
        rows = columns.row + first_rows[columns.slot].astype(np.int32)
        columns = replace(columns, row=rows, slot=np.zeros_like(columns.slot))
        return cls(columns, int(first_rows[-1]))

    def after(self, count: int) -> "HotMetadata":
        """Without the first rows. For those that have every row."""
        kept = self.columns.take(self.columns.row >= count)
        return HotMetadata(replace(kept, row=kept.row - np.int32(count)), self.row_count - count)


class HasMetadata(Protocol):
    """Some requests, of which nothing changes."""

    def metadata(self, read: ReadColumns) -> HotMetadata:
        """What their spans are."""
        ...


@dataclass(frozen=True, slots=True)
class _Run:
    parts: tuple[HasMetadata, ...]
    metadata: HotMetadata


class MetadataRuns:
    """The metadata of many parts in few runs, each at least twice as long as the next.

    A run stays the same value as long as its parts are held, so that what was made of it is made
    once. For any thread.
    """

    def __init__(self) -> None:
        self._runs: tuple[_Run, ...] = ()
        self._lock = threading.Lock()

    def of(self, parts: Sequence[HasMetadata], read: ReadColumns) -> Sequence[HotMetadata]:
        """Of these parts, in order."""
        with self._lock:
            runs: list[_Run] = []
            for run in self._divided(parts, read):
                runs.append(run)
                while len(runs) > 1 and _may_join(*(one.metadata.row_count for one in runs[-2:])):
                    runs[-2:] = [_joined(*runs[-2:])]
            self._runs = tuple(runs)
        return [run.metadata for run in runs]

    def keep(self, parts: Sequence[HasMetadata]) -> None:
        """Forget runs of other parts than these, with all that those hold.

        It waits for nobody: who asks for parts of before meanwhile has their runs kept once more.
        """
        held = set(map(id, parts))
        self._runs = tuple(run for run in self._runs if held.issuperset(map(id, run.parts)))

    def _divided(self, parts: Sequence[HasMetadata], read: ReadColumns) -> Sequence[_Run]:
        """The runs of before whose parts are all here still, and a run for each other part."""
        known = {id(run.parts[0]): run for run in self._runs}
        runs, at = [], 0
        while at < len(parts):
            run = known.get(id(parts[at]))
            if run is None or not _are_same(run.parts, parts[at : at + len(run.parts)]):
                run = _Run((parts[at],), parts[at].metadata(read))
            runs.append(run)
            at += len(run.parts)
        return runs


def _are_same(some: Sequence[HasMetadata], others: Sequence[HasMetadata]) -> bool:
    return len(some) == len(others) and all(map(lambda a, b: a is b, some, others))


def _may_join(rows: int, more: int) -> bool:
    return rows < 2 * more and rows + more <= RUN_ROWS_MAX


def _joined(one: _Run, other: _Run) -> _Run:
    return _Run(one.parts + other.parts, HotMetadata.joined([one.metadata, other.metadata]))
