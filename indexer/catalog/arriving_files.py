"""Files that are read and whose commit comes: a trace is answered from them before it. Pure.

To commit a small file takes three times as long as to read it, and somebody may be waiting for a
trace of it. The rows are the ones that the index is about to have, so the answer is the one that
comes after the commit; should that fail, the file is there all the same, as one to be indexed.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from indexer.catalog.recent_files import BYTES_MAX, FILES_MAX, SPAN_BYTES
from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo

if TYPE_CHECKING:  # a command that opens the catalog alone reads no spans
    from indexer.catalog.trace_directory import TraceDirectory
    from indexer.spans.batch import ParquetFileData, SpanBatch
    from indexer.spans.columns import SpanColumns

ArrivingFiles = Mapping[str, "ArrivingFile"]
"""By relative path. Never changed: a commit makes another."""
NO_FILES: ArrivingFiles = {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrivingFile:
    """A file as it was read for the commit that comes."""

    file_path: str
    """As the index will have it."""
    info: ParquetFileInfo
    dialect: str
    footer_digest: str
    row_count: int
    spans: "SpanColumns"
    """All that are distinct in it."""


def arriving_files(
    batches: "Sequence[SpanBatch]",
    new: Collection[str],
    directory: "TraceDirectory",
    paths: Mapping[int, str],
    storage_root: str,
) -> ArrivingFiles:
    """Those of the batches whose relative path is among the ``new`` ones.

    None where they are many: who indexes a backlog is not asked for its last file. And none whose
    path is smaller than that of a registered file with a trace of it, by ``directory`` and
    ``paths``: its copy of a span would count, and answers take that of the index.
    """
    files = [file for one in batches for file in one.files if file.info.relative_path in new]
    spans = sum(len(one.columns) for one in batches)
    if len(files) > FILES_MAX or spans * SPAN_BYTES > BYTES_MAX:
        return NO_FILES
    return {
        file.info.relative_path: _arriving(file, storage_root)
        for file in files
        if all(path < file.info.relative_path for path in _holders(file, directory, paths))
    }


def _holders(
    file: "ParquetFileData", directory: "TraceDirectory", paths: Mapping[int, str]
) -> Iterator[str]:
    """Registered files that hold some trace of the file."""
    keys = file.spans.trace_key
    _, holders = directory.files(keys[directory.known(keys)])
    return (paths[holder] for holder in set(holders.tolist()) if holder in paths)


def _arriving(file: "ParquetFileData", storage_root: str) -> ArrivingFile:
    return ArrivingFile(
        file_path=os.path.join(storage_root, file.info.relative_path),
        info=file.info,
        dialect=file.dialect,
        footer_digest=file.footer.footer_digest,
        row_count=file.footer.row_count,
        spans=file.spans,
    )
