"""The tier of files that are indexed: what the index says of spans, and the files' payload."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

import duckdb

from indexer.catalog.recent_files import RecentFile
from indexer.catalog.trace_directory import TraceDirectory
from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo
from indexer.query.cost import CostAccount
from indexer.query.deadline import Deadline
from indexer.query.find import trace
from indexer.query.find.absences import Absences
from indexer.query.find.attribute_coverage import missing_attributes
from indexer.query.find.condition_tree import Condition
from indexer.query.find.index_row import IndexRow, span_of_row
from indexer.query.find.index_scan import first_rows
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.find.newest_rows import NewestRows
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.find.trace_rows import TraceRows
from indexer.query.limits import AnswerLimits
from indexer.query.missing import TRACE_TOO_LARGE, Missing
from indexer.query.span import DataFile, Span, TierName
from indexer.query.tiers.file_payload import file_payload
from indexer.query.tiers.index_state import IndexState
from indexer.query.tiers.indexed_search import IndexedSearch
from indexer.query.tiers.kept_files import STATEMENTS_A_LIST
from indexer.query.tiers.tier import Candidates, Payloads, Query
from indexer.read.dialect_document import dialect_named
from indexer.system.duckdb_rows import id_list, plain_rows
from indexer.system.storage import LocalStorage

_FILES = """
SELECT file_id, file_path, dialect, relative_path, size_bytes, modified_unix_nano, device, inode,
       changed_unix_nano, footer_digest
FROM parquet_files WHERE file_id IN {file_ids}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFiles:
    """The index of one transaction, and the files that it names."""

    cursor: duckdb.DuckDBPyConnection
    storage: LocalStorage
    deadline: Deadline = field(default_factory=Deadline)
    directory: TraceDirectory | None = None
    """The writer's, where this is its process."""
    keys: Mapping[str, int] = field(default_factory=dict)
    """The promoted attributes that the question rests on, and their numbers."""
    limits: AnswerLimits = field(default_factory=AnswerLimits)
    account: CostAccount = field(default_factory=CostAccount)
    """Of what is read to find spans."""
    absences: Absences = field(default_factory=Absences)
    """What searches have learnt of files."""
    read_directly: Sequence[str] = ()
    """Relative paths of files whose attributes another tier reads from them."""
    _asked_files: dict[int, DataFile] = field(default_factory=dict)
    """Those that this transaction was asked for."""
    state: IndexState | None = None
    """What is known of the index as it is; None where that is not to be relied on."""

    @property
    def name(self) -> TierName:
        """Of the tier."""
        return "indexed"

    def candidates(self, query: Query, llm: LlmTraces | None = None) -> Candidates:
        """What the index names: no file is opened."""
        if isinstance(query, TraceQuery):
            return self._of_trace(query)
        return self._of_list(query, llm)

    def payload(
        self, spans: Sequence[Span], account: CostAccount, *, as_stored: bool = False
    ) -> Payloads:
        """Read from exactly the files that hold the spans."""
        return file_payload(self.storage, spans, account, self.deadline, as_stored=as_stored)

    def _of_trace(self, query: TraceQuery) -> Candidates:
        most = self.limits.trace_spans if query.limit is None else query.limit
        rows = trace.indexed_trace(
            self.cursor,
            query,
            self.directory,
            limit=most,
            rows_of=self._rows_of,
            will_make=self.deadline.will_make,
        )
        if query.limit is not None:
            return Candidates(spans=self.spans(rows))
        missing: tuple[Missing, ...] = ()
        if len(rows) > most:
            missing = (Missing(reason=TRACE_TOO_LARGE, detail=f"first {most} spans"),)
            rows = rows[:most]
        return Candidates(spans=self.spans(rows), missing=missing)

    def _newest_rows_of(self, file_id: int) -> NewestRows | None:
        """The rows of a file that is asked for lists or traces again and again."""
        if self.state is None or self._rows_of(file_id, STATEMENTS_A_LIST) is None:
            return None
        return self.state.newest_rows(file_id)

    def _rows_of(self, file_id: int, statements: int = 1) -> TraceRows | None:
        """The same, where a statement takes as long as so many for a trace."""
        if self.state is None:
            return None
        known = self.state.kept.rows(file_id)
        if known is None:
            self.deadline.will_wait()
            known = self.state.rows(file_id)
        if known is None and self.state.kept.wants_rows(file_id, statements):
            known = TraceRows.read(self.cursor, file_id)
            self.state.keep_rows(file_id, known)
        return known

    def _of_list(self, query: SpanQuery, llm: LlmTraces | None) -> Candidates:
        if query.where is not None and query.asks_payload:
            return self._searched(query, query.where)
        state = None if query.llm or query.where is not None else self.state
        key = replace(query, as_of_unix_nano=None), tuple(self.read_directly)
        known = None if state is None else state.page(key)
        if known is not None:
            return known
        self.deadline.will_wait()
        missing = missing_attributes(self.cursor, self.keys, query, self.read_directly)
        key_id = None if query.attribute is None else self.keys[query.attribute]
        rows = first_rows(
            self.cursor,
            query,
            self.deadline,
            key_id=key_id,
            llm=llm,
            rows_of=self._newest_rows_of,
            fetch=self._fetch,
        )
        found = Candidates(spans=self.spans(rows), missing=tuple(missing))
        if state is not None:
            state.keep_page(key, found)
        return found

    def _searched(self, query: SpanQuery, where: Condition) -> Candidates:
        """Spans that only their payload tells: files are opened, as few as will do."""
        search = IndexedSearch(
            cursor=self.cursor,
            storage=self.storage,
            deadline=self.deadline,
            account=self.account,
            query=query,
            condition=where,
            absences=self.absences,
            files=self._files,
            fetch=self._fetch,
        )
        found = search.run()
        return Candidates(
            spans=self.spans(found.rows),
            missing=found.missing,
            undecided_from=found.undecided_from,
            files_left=found.files_left,
        )

    def _fetch(self, sql: str) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement that lists of all kinds ask for."""
        if self.state is None:
            return self.cursor.execute(sql).fetchall()
        return self.state.fetch(self.cursor, sql)

    def spans(self, rows: Sequence[IndexRow]) -> list[Span]:
        """What rows of the index are, each with the file that it names."""
        files = self._files({row.file_id for row in rows})
        return [span_of_row(row, files[row.file_id]) for row in rows]

    def _files(self, file_ids: Collection[int]) -> dict[int, DataFile]:
        known = {} if self.state is None else self.state.files(file_ids)
        if len(known) == len(file_ids):
            return known
        recent = {} if self.state is None else self.state.recent_files(file_ids)
        found = {at: self._recent(one) for at, one in recent.items() if at not in known}
        others = sorted(set(file_ids) - known.keys() - found.keys())
        if others:
            sql = _FILES.format(file_ids=id_list(others))
            found |= {one["file_id"]: self._file(one) for one in plain_rows(self.cursor, sql)}
        if self.state is not None and found:
            self.state.keep_files(found)
        return known | found

    def _file(self, row: Mapping[str, Any]) -> DataFile:
        info = ParquetFileInfo(
            path=self.storage.absolute(row["relative_path"]),
            relative_path=row["relative_path"],
            size_bytes=row["size_bytes"],
            modified_unix_nano=row["modified_unix_nano"],
            device=row["device"],
            inode=row["inode"],
            changed_unix_nano=row["changed_unix_nano"],
        )
        return self._data_file(row["file_path"], info, row["dialect"], row["footer_digest"])

    def _recent(self, file: RecentFile) -> DataFile:
        info = replace(file.info, path=self.storage.absolute(file.info.relative_path))
        return self._data_file(file.file_path, info, file.dialect, file.footer_digest)

    def _data_file(
        self, path: str, info: ParquetFileInfo, dialect: str, footer_digest: str
    ) -> DataFile:
        return DataFile(
            tier=self.name,
            path=path,
            info=info,
            dialect=dialect_named(dialect),
            footer_digest=footer_digest,
        )
