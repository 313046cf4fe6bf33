"""The views of spans in one session: which files they cover, and how those are read.

A question that needs no payload is answered by the index, and no file is opened. For any other one
DuckDB itself reads what may be read so; where that fails, because a file was damaged after it was
looked at, the question is asked once more of the canonical reader.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import field
from pathlib import Path

import duckdb

from indexer.catalog.storage_root import indexed_path
from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.query.file_rows import matching_files
from indexer.query.payload_functions import PayloadFile, PayloadFunctions
from indexer.query.row_stream import RowStream
from indexer.query.sql_scope import (
    NOTHING_UNINDEXED,
    Coverage,
    SqlViews,
    Unindexed,
    Window,
    with_event,
)
from indexer.query.statement import explained
from indexer.query.unindexed_rows import UnindexedRows
from indexer.query.views import is_scannable, may_have_event, otel_spans
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.registered_file import find_registered
from indexer.system.storage import LocalStorage

_PLACE = "position_in_row"
"""A column of the index that the view uses for nothing but the payload: DuckDB's plan names it
where a question needs some."""
_PAYLOAD_WORD = re.compile(rf"\b({'|'.join(PAYLOAD_COLUMNS)})\b", re.IGNORECASE)
"""A question with a payload column's name is taken to read it, and no plan is asked for: that and
the view that it is made over are two thirds of the time before DuckDB begins (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredFiles:
    """The files that the views read, by id, and how many match the window; and what is beside."""

    storage: LocalStorage
    files: dict[int, PayloadFile] = field(default_factory=dict)
    matching: int = 0
    unindexed: UnindexedRows = field(default_factory=UnindexedRows)

    @classmethod
    def find(
        cls,
        connection: duckdb.DuckDBPyConnection,
        window: Window,
        unindexed: Unindexed = NOTHING_UNINDEXED,
        catalog: Path | None = None,
    ) -> "CoveredFiles":
        """Those of the index, and what it does not have.

        With the path of the ``catalog``, what earlier sessions saw of the files counts too. Raises
        duckdb.Error.
        """
        storage = LocalStorage(indexed_path(connection) or "/")
        files, matching = matching_files(connection, window.sql, window.files_max, catalog)
        return cls(
            storage=storage,
            unindexed=UnindexedRows.register(connection, storage, unindexed, window.covers),
            files=files,
            matching=matching,
        )

    @property
    def scannable_paths(self) -> list[str]:
        """Absolute, of the files that DuckDB itself may read."""
        return [file.file_path for file in self.files.values() if is_scannable(file)]

    def scannable(self) -> list[int]:
        """The files that DuckDB itself may read, and that are still what was indexed."""
        return [
            file_id
            for file_id, file in self.files.items()
            if is_scannable(file) and self._is_registered(file)
        ]

    def _is_registered(self, file: PayloadFile) -> bool:
        if file.footer_digest is None:
            return False
        try:
            find_registered(self.storage, file.info, file.footer_digest)
        except IndexerError:
            return False
        return True


class SpanViews:
    """``otel_spans`` and views made of it, in one connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        covered: CoveredFiles,
        named: tuple[str, ...],
        dialect_views: Sequence[SqlViews],
    ) -> None:
        """Raises duckdb.Error."""
        self._connection, self._covered = connection, covered
        self._named, self._dialect_views = named, dialect_views
        sources = {**covered.files, **covered.unindexed.sources}
        self._functions = PayloadFunctions(covered.storage, sources)

    @property
    def coverage(self) -> Coverage:
        """What the views cover, and what could not be read so far."""
        return Coverage(
            views=self._named,
            files=len(self._covered.files),
            matching=self._covered.matching,
            missing=(*self._covered.unindexed.missing, *self._functions.missing),
            unseen=self._functions.unseen,
        )

    def make(self, scanned: Collection[int]) -> None:
        """Make the views; DuckDB itself reads the files in ``scanned``. Raises duckdb.Error."""
        files, beside = self._covered.files, self._covered.unindexed.paths
        replaced = self._covered.unindexed.replaced
        self._execute(otel_spans(files, scanned, unindexed=beside, replaced=replaced))
        for views in self._dialect_views:
            for event in {views.events[name] for name in self._named if name in views.events}:
                some = {at: one for at, one in files.items() if may_have_event(one, event)}
                self._execute(otel_spans(some, scanned, with_event(event), beside, replaced))
            for statement in views.statements(self._named):
                self._connection.execute(statement)

    def _execute(self, view: str) -> None:
        self._functions.install(self._connection, view)
        self._connection.execute(view)

    def answer(self, sql: str, *, may_scan: bool = True) -> RowStream:
        """The rows of one SELECT. Raises duckdb.Error.

        Without ``may_scan`` the canonical reader reads every file.
        """
        if not may_scan:
            self.make(())
            return RowStream(self._connection, sql)
        scanned = self._covered.scannable() if _PAYLOAD_WORD.search(sql) else []
        if not scanned:
            self.make(())
            scanned = self._covered.scannable() if self._needs_payload(explained(sql)) else []
        if not scanned:
            return RowStream(self._connection, sql)
        self.make(scanned)
        return RowStream(self._connection, sql, read_otherwise=lambda: self.make(()))

    def make_all(self) -> None:
        """Make the views for any question. Raises duckdb.Error."""
        self.make(self._covered.scannable())

    def _needs_payload(self, sql: str) -> bool:
        """Whether the plan over the canonical view reads some; where it cannot be had, yes."""
        try:
            plan = self._connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
        except duckdb.Error:
            return True
        return any(_PLACE in text for row in plan for text in row)
