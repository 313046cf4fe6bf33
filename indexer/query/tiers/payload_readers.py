"""The payload of one source for those who look for spans by it: of a file, or of hot spans."""

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from typing import Any

import numpy as np

from indexer.catalog.key_summaries import Key
from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo
from indexer.query.cost import CostAccount
from indexer.query.find.absences import FileAbsences
from indexer.query.find.key_summaries import key_of
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.span import DataFile
from indexer.query.tiers.read_ahead import ReadAhead
from indexer.read.canonical_columns import UNLIMITED
from indexer.read.normalise import canonical
from indexer.read.payload import read_payload
from indexer.read.payload_table import PayloadTable, payload_tables
from indexer.read.registered_file import find_registered
from indexer.read.tally import Tally
from indexer.spans.key_summary import KeySummary
from indexer.system.storage import LocalStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePayload:
    """Of a file, indexed or not. What it reads is counted."""

    storage: LocalStorage
    file: DataFile
    row_count: int
    account: CostAccount
    absences: FileAbsences | None = None
    """What is known of the file, and is kept."""
    known_keys: Collection[Key] = ()
    """Keys of which the index has a summary."""
    ahead: ReadAhead = field(default_factory=ReadAhead)
    """Of the search, where it reads one file after the other."""

    def is_absent(self, condition: AttributeCondition) -> bool:
        """Whether it is known that no row can meet the condition."""
        return self.absences is not None and self.absences.rules_out(condition)

    def learns_key(self, condition: AttributeCondition) -> bool:
        """Whether what all rows have under the condition's key would be kept."""
        return self.absences is not None and key_of(condition) not in self.known_keys

    def learn_absence(self, condition: AttributeCondition) -> None:
        """No row can."""
        if self.absences is not None:
            self.absences.learn(condition)

    def learn_key(self, condition: AttributeCondition, summary: KeySummary) -> None:
        """What all rows have under the condition's key."""
        if self.absences is not None:
            self.absences.learn_summary(condition, summary)

    def tables(self, names: Sequence[str]) -> Iterator[PayloadTable]:
        """These canonical columns of all rows, in their order."""
        self.account.open_file(self.file.path)
        read = partial(self._tables, names)
        yield from self.ahead.tables(self.file.path, read, self.account.tally)

    def begin(self, names: Sequence[str]) -> None:
        """They will be asked for next: some of them are read on another thread meanwhile."""
        self.ahead.begin(self.file.path, partial(self._tables, names))

    def values(self, names: Sequence[str], rows: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        """Canonical values of these rows, by column."""
        wanted = [one for one in self.file.dialect.payload if one.name in names]
        dialect = replace(self.file.dialect, payload=tuple(wanted))
        self.account.open_file(self.file.path)
        info = self._found()
        stored = read_payload(self.storage, info, dialect, rows, self.account.tally, UNLIMITED)
        return {name: [canonical(name, row[name]) for row in stored] for name in names}

    def _tables(self, names: Sequence[str], tally: Tally) -> Generator[PayloadTable]:
        yield from payload_tables(self.storage, self._found(), names, tally)

    def _found(self) -> ParquetFileInfo:
        if self.file.footer_digest is None:
            return self.file.info
        return find_registered(self.storage, self.file.info, self.file.footer_digest)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemoryPayload:
    """Of spans in memory."""

    table: PayloadTable

    @property
    def row_count(self) -> int:
        """Rows of the source."""
        return len(self.table)

    def tables(self, names: Sequence[str]) -> Iterator[PayloadTable]:  # noqa: ARG002 - it has all
        """All rows."""
        yield self.table

    def is_absent(self, condition: AttributeCondition) -> bool:  # noqa: ARG002 - it changes
        """Nothing is known."""
        return False

    def learns_key(self, condition: AttributeCondition) -> bool:  # noqa: ARG002 - it changes
        """Nothing is kept."""
        return False

    def learn_absence(self, condition: AttributeCondition) -> None:
        """Nothing is kept."""

    def learn_key(self, condition: AttributeCondition, summary: KeySummary) -> None:
        """Nothing is kept."""

    def values(self, names: Sequence[str], rows: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        """Canonical values of these rows, by column."""
        some = self.table.take(np.array(rows, np.int64))
        return {name: some.values(name) for name in names}
