"""What an answer lacks because the index has not followed the storage, or cannot."""

from collections.abc import Collection, Iterable, Iterator

from indexer.model import Outstanding
from indexer.query.missing import (
    FILES_LOST,
    FILES_PENDING,
    HOT_NOT_READ,
    STORAGE_UNAVAILABLE,
    Missing,
)
from indexer.system.counted_nouns import counted
from indexer.system.storage import LocalStorage


def missing_files(
    storage: LocalStorage,
    outstanding: Outstanding | None,
    read_directly: Iterable[str],
    files_lost: int,
) -> Iterator[Missing]:
    """``read_directly`` are absolute paths of files that the answer has, indexed or not."""
    if files_lost:
        detail = counted(
            files_lost,
            "file that was indexed cannot be read as it is now",
            "files that were indexed cannot be read as they are now",
        )
        yield Missing(reason=FILES_LOST, detail=detail, files=files_lost)
    if outstanding is None:
        return
    for problem in outstanding.problems:
        yield Missing(reason=STORAGE_UNAVAILABLE, detail=problem)
    if outstanding.lacking is None:
        detail = "many files are not in the index as they are now, or change while it is asked"
        yield Missing(reason=FILES_PENDING, detail=detail, files=outstanding.files or None)
        return
    lacking = outstanding.lacking - {storage.relative(path) for path in read_directly}
    if lacking:
        detail = counted(
            len(lacking),
            "file is not in the index as it is now",
            "files are not in the index as they are now",
        )
        yield Missing(reason=FILES_PENDING, detail=detail, files=len(lacking))


def beyond_index(
    storage: LocalStorage, outstanding: Outstanding | None, hot_spans: int, paths: Collection[str]
) -> Iterator[Missing]:
    """What an answer of the index alone lacks besides: hot spans, and files of these paths.

    ``paths`` are absolute, of files that the hot tier or a listing names.
    """
    if hot_spans:
        detail = f"{counted(hot_spans, 'span is', 'spans are')} hot, in no file yet"
        yield Missing(reason=HOT_NOT_READ, detail=detail)
    said = outstanding.lacking if outstanding is not None else None
    unsaid = [path for path in paths if storage.relative(path) not in (said or ())]
    if unsaid:
        detail = counted(
            len(unsaid),
            "file came just now and is not in the index",
            "files came just now and are not in the index",
        )
        yield Missing(reason=FILES_PENDING, detail=detail, files=len(unsaid))
