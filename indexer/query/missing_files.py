"""What an answer lacks because the index has not followed the storage, or cannot."""

from collections.abc import Iterable, Iterator

from indexer.model import Outstanding
from indexer.query.missing import FILES_LOST, FILES_PENDING, STORAGE_UNAVAILABLE, Missing
from indexer.system.storage import LocalStorage


def missing_files(
    storage: LocalStorage,
    outstanding: Outstanding | None,
    read_directly: Iterable[str],
    files_lost: int,
) -> Iterator[Missing]:
    """``read_directly`` are absolute paths of files that the answer has, indexed or not."""
    if files_lost:
        detail = f"{files_lost:,} files that were indexed cannot be read as they are now"
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
        detail = f"{len(lacking):,} files are not in the index as they are now"
        yield Missing(reason=FILES_PENDING, detail=detail, files=len(lacking))
