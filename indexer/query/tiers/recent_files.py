"""The tier of files that are not indexed yet.

The hot tier names those that are flushed, and the writer has those whose commit comes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field, replace

from indexer.catalog.arriving_files import ArrivingFile
from indexer.deferred_dataclass import dataclass
from indexer.errors import FileUnreadable, FileVanished, IndexerError
from indexer.model import ParquetFileInfo
from indexer.query.cost import CostAccount
from indexer.query.deadline import Deadline
from indexer.query.find.llm_traces import LlmTraces
from indexer.query.missing import TOO_MANY_RECENT_FILES, Missing
from indexer.query.span import DataFile, Span, TierName
from indexer.query.tiers.file_payload import file_payload
from indexer.query.tiers.payload_readers import FilePayload
from indexer.query.tiers.tier import NOTHING, Candidates, Payloads, Query
from indexer.query.tiers.unindexed_spans import UnindexedSpans, attribute_reader, candidates_of
from indexer.read.dialect_document import dialect_named
from indexer.read.metadata import batch, read_file
from indexer.spans.attributes import AttributeValues
from indexer.spans.columns import SpanColumns
from indexer.system.counted_nouns import counted
from indexer.system.storage import LocalStorage

RECENT_FILES_MAX = 64
"""Files that one answer reads because the index lags: 5 ms each at 20,000 spans."""
RECENT_ROWS_MAX = 1_000_000
"""Of one such file: a quarter of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentFiles:
    """The spans of such files, as they were when they were looked at."""

    storage: LocalStorage
    files: tuple[UnindexedSpans, ...] = ()
    """In order of path, so that of two copies of a span the one counts that the index will have."""
    missing: tuple[Missing, ...] = ()
    deadline: Deadline = field(default_factory=Deadline)

    @property
    def name(self) -> TierName:
        """Of the tier."""
        return "recent"

    def candidates(self, query: Query, llm: LlmTraces | None = None) -> Candidates:
        """Out of what was read of every file, whatever the question is about."""
        if not (self.files or self.missing):
            return NOTHING
        found = candidates_of(self.files, query, llm, self.deadline)
        return Candidates(spans=found.spans, missing=(*self.missing, *found.missing))

    def payload(
        self, spans: Sequence[Span], account: CostAccount, *, as_stored: bool = False
    ) -> Payloads:
        """Read from the files, as that of indexed ones is."""
        return file_payload(self.storage, spans, account, self.deadline, as_stored=as_stored)


def read_recent_files(
    storage: LocalStorage,
    paths: Sequence[str],
    *,
    account: CostAccount | None = None,
    deadline: Deadline | None = None,
    files_max: int = RECENT_FILES_MAX,
) -> RecentFiles:
    """The metadata of these files, which are absolute and newest first: at most ``files_max``."""
    deadline = deadline or Deadline()
    account = account or CostAccount()
    found: list[UnindexedSpans] = []
    missing: list[Missing] = []
    for path in paths[:files_max]:
        deadline.check()
        account.open_file(path)
        try:
            found.append(_read(storage, path, account))
        except IndexerError as error:
            missing.append(Missing.of_error(error, path))
    if len(paths) > files_max:
        detail = counted(
            len(paths) - files_max,
            "file that is not indexed yet is not read",
            "files that are not indexed yet are not read",
        )
        missing.append(Missing(reason=TOO_MANY_RECENT_FILES, detail=detail))
    return RecentFiles(
        storage=storage, files=_sorted(found), missing=tuple(missing), deadline=deadline
    )


def with_arriving(
    recent: RecentFiles, arriving: Iterable[ArrivingFile], account: CostAccount
) -> RecentFiles:
    """And files that were read for the commit that comes."""
    found = [*recent.files, *(_arriving(recent.storage, one, account) for one in arriving)]
    return replace(recent, files=_sorted(found))


def _sorted(files: Iterable[UnindexedSpans]) -> tuple[UnindexedSpans, ...]:
    return tuple(sorted(files, key=lambda one: one.source.path or ""))


def _arriving(storage: LocalStorage, file: ArrivingFile, account: CostAccount) -> UnindexedSpans:
    source = DataFile(
        tier="recent",
        path=file.file_path,
        info=replace(file.info, path=storage.absolute(file.info.relative_path)),
        dialect=dialect_named(file.dialect),
        footer_digest=file.footer_digest,
    )
    return _spans_of(storage, source, file.spans, file.row_count, account)


def _read(storage: LocalStorage, path: str, account: CostAccount) -> UnindexedSpans:
    raw = read_file(storage, _located(storage, path), rows_max=RECENT_ROWS_MAX)
    source = DataFile(tier="recent", path=path, info=raw.info, dialect=raw.layout.dialect)
    return _spans_of(storage, source, batch([raw]).columns, raw.footer.row_count, account)


def _spans_of(
    storage: LocalStorage,
    source: DataFile,
    columns: SpanColumns,
    row_count: int,
    account: CostAccount,
) -> UnindexedSpans:
    def attributes(keys: Sequence[str]) -> AttributeValues:
        (found,) = attribute_reader().read(storage, [source.info], keys)
        if isinstance(found, IndexerError):
            raise found
        return found

    return UnindexedSpans(
        source=source,
        columns=columns,
        attributes=attributes,
        payload=FilePayload(storage=storage, file=source, row_count=row_count, account=account),
    )


def _located(storage: LocalStorage, path: str) -> ParquetFileInfo:
    relative = storage.relative(path)
    if not relative:
        raise FileUnreadable("the file is not below the storage root", path=path)
    entry = storage.stat(relative)
    if entry is None:
        raise FileVanished("the file is gone", path=path)
    if entry.is_folder or storage.is_protected(entry.info):
        raise FileUnreadable("the file is not a data file", path=path)
    return entry.info
