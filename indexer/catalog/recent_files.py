"""Files that were registered last, with their rows of the index, for who asks for these next. Pure.

A trace goes on in the next file of its writer, and somebody looks at what has just come: neither
has to ask the index for rows that were in memory a moment ago.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo

if TYPE_CHECKING:  # a command that opens the catalog alone reads no spans
    from indexer.spans.batch import ParquetFileData
    from indexer.spans.columns import SpanColumns

BYTES_MAX = 4 << 20
"""Of all of them together, some 50,000 spans: those of the last seconds."""
FILES_MAX = 256
"""Files of a few spans each, of which each commit makes the list anew."""
SPAN_BYTES = 64
"""What a span takes beside its texts."""
TEXT_BYTES = 80
"""What a distinct text takes beside its letters."""

RecentFiles = Mapping[int, "RecentFile"]
"""By file_id, those of the last commit last. Never changed: a commit makes another."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecentFile:
    """A file of the index, as the last commit that was about it has left it."""

    file_id: int
    file_path: str
    """As the index has it."""
    info: ParquetFileInfo
    dialect: str
    footer_digest: str
    spans: "SpanColumns"
    """All rows that the index has of it; ``slot`` says nothing."""
    nbytes: int
    """Memory."""


def recent_files(
    files: "Sequence[ParquetFileData]",
    file_ids: Sequence[int],
    spans: "SpanColumns",
    storage_root: str,
) -> list[RecentFile]:
    """Files that a transaction registers, and their spans by slot; none where it is too large."""
    if len(files) > FILES_MAX or len(spans) * SPAN_BYTES > BYTES_MAX:
        return []
    bounds = np.searchsorted(spans.slot, np.arange(len(files) + 1)).tolist()
    texts = _text_bytes(spans)
    return [
        RecentFile(
            file_id=int(file_ids[at]),
            file_path=os.path.join(storage_root, file.info.relative_path),
            info=file.info,
            dialect=file.dialect,
            footer_digest=file.footer.footer_digest,
            spans=spans.take(slice(bounds[at], bounds[at + 1])),
            nbytes=SPAN_BYTES * (bounds[at + 1] - bounds[at]) + texts,
        )
        for at, file in enumerate(files)
    ]


def after_commit(
    recent: RecentFiles, changed: Collection[int] | None, registered: Sequence[RecentFile]
) -> RecentFiles:
    """Those of them that the commit has left as they are, and those that it registered.

    ``changed`` are the files of which anything is another, None where it may be any.
    """
    if not registered and changed is not None and recent.keys().isdisjoint(changed):
        return recent
    kept = {} if changed is None else {at: one for at, one in recent.items() if at not in changed}
    kept |= {one.file_id: one for one in registered}
    held = sum(one.nbytes for one in kept.values())
    while held > BYTES_MAX or len(kept) > FILES_MAX:
        held -= kept.pop(next(iter(kept))).nbytes
    return kept


def _text_bytes(spans: "SpanColumns") -> int:
    """Of the texts of a transaction, which all of its files share."""
    texts = spans.service.values + spans.name.values
    return sum(map(len, texts)) + TEXT_BYTES * len(texts)
