"""The payload of spans that lie in data files, read file by file, indexed or not."""

from collections.abc import Collection, Sequence

from indexer.errors import IndexerError
from indexer.model import ParquetFileInfo
from indexer.query.cost import CostAccount
from indexer.query.deadline import Deadline
from indexer.query.missing import Missing
from indexer.query.span import UNREADABLE, DataFile, Span, places_by_source
from indexer.query.tiers.tier import Payloads
from indexer.read.canonical_payload import read_canonical_payload
from indexer.read.registered_file import read_registered
from indexer.read.stored_objects import StoredObjects
from indexer.read.whole_names import WHOLE_LETTERS_MAX, may_be_cut, whole_names
from indexer.spans.payload import Payload
from indexer.system.cached_storage import CachedStorage, MustWait
from indexer.system.storage import LocalStorage

AT_ONCE_FILES_MAX = 4
"""In which spans are whose payload is read without waiting."""

_STORED = StoredObjects()


def file_payload(
    storage: LocalStorage,
    spans: Sequence[Span],
    account: CostAccount,
    deadline: Deadline,
    *,
    as_stored: bool = False,
) -> Payloads:
    """The payload of each span; what could not be read, file by file.

    Raises QueryTooLarge once it is more than an answer may have, QueriesBusy, and what the
    deadline raises.
    """
    rows_of = _by_file(spans)
    payloads = [UNREADABLE] * len(spans)
    missing: list[Missing] = []
    if not deadline.may_wait:
        deadline.will_make(len(spans))
        _refuse_to_wait(rows_of)
        storage = CachedStorage(storage)
    for file, places in rows_of.items():
        deadline.check()
        try:
            some = spans if len(places) == len(spans) else [spans[at] for at in places]
            found = _read(storage, file, some, account, deadline, _STORED if as_stored else None)
        except IndexerError as error:
            deadline.will_wait()
            missing.append(Missing.of_error(error, file.path))
        else:
            for at, payload in zip(places, found, strict=True):
                payloads[at] = payload
        account.hold(len(places))
    return Payloads(payloads=payloads, missing=tuple(missing))


def _by_file(spans: Sequence[Span]) -> dict[DataFile, Sequence[int]]:
    """The places of each file's spans."""
    sources = [span.source for span in spans]
    first = sources[0] if sources else None
    if isinstance(first, DataFile) and sources.count(first) == len(sources):
        return {first: range(len(sources))}
    return {**places_by_source(spans, DataFile)}


def _refuse_to_wait(files: Collection[DataFile]) -> None:
    """Raises MustWait for files whose payload takes long even where all of it is in memory."""
    if len(files) > AT_ONCE_FILES_MAX or any(file.dialect.trace_a_row for file in files):
        raise MustWait


def _read(
    storage: LocalStorage,
    file: DataFile,
    spans: Sequence[Span],
    account: CostAccount,
    deadline: Deadline,
    stored: StoredObjects | None,
) -> list[Payload]:
    account.open_file(file.path)
    rows = [span.row for span in spans]
    long = [span for span in spans if len(span.name) > WHOLE_LETTERS_MAX]
    cut = [span.row for span in long if may_be_cut(span.name)]
    if cut:
        deadline.will_wait()

    def read(info: ParquetFileInfo) -> list[Payload]:
        payloads = read_canonical_payload(
            storage,
            info,
            file.dialect,
            rows,
            account.tally,
            footer_digest=file.footer_digest,
            stored=stored,
        )
        if not cut:
            return payloads
        found = whole_names(storage, info, file.dialect, cut, account.tally)
        names = dict(zip(cut, found, strict=True))
        return [
            one._replace(whole_name=names.get(row)) for row, one in zip(rows, payloads, strict=True)
        ]

    if file.footer_digest is None:
        return read(file.info)
    return read_registered(storage, file.info, file.footer_digest, read)
