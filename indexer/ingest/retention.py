"""Which flushed files are too old or too many, and their removal. Off unless a limit is set.

The age of a file is that in its name: when its oldest request was acknowledged. Copies and
restored backups keep it.
"""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from indexer.deferred_dataclass import dataclass
from indexer.ingest.events import EXPIRED_FILES_REMOVED
from indexer.ingest.layout import file_unix_nano
from indexer.system.counted_nouns import counted
from indexer.telemetry.log import log

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanFile:
    """A flushed file as retention sees it."""

    path: str
    size_bytes: int
    unix_nano: int


def expired_files(
    files: Sequence[SpanFile],
    *,
    max_age_s: float | None,
    max_bytes: int | None,
    now_unix_nano: int,
) -> list[SpanFile]:
    """The files to remove, oldest first: those too old, then as many as leave too much."""
    left_bytes = sum(file.size_bytes for file in files)
    found = []
    for file in sorted(files, key=lambda file: (file.unix_nano, file.path)):
        too_old = max_age_s is not None and now_unix_nano - file.unix_nano > max_age_s * SECOND_NS
        too_much = max_bytes is not None and left_bytes > max_bytes
        if not (too_old or too_much):
            break
        found.append(file)
        left_bytes -= file.size_bytes
    return found


def enforce(
    root: str | Path,
    *,
    max_age_s: float | None,
    max_bytes: int | None,
    now_unix_nano: int,
    keep: Collection[str] = (),
) -> list[str]:
    """Delete what has expired of the files with our names; the paths that are gone.

    ``keep`` has the files that the index has not confirmed and may yet: removing one would be a
    loss. They count towards ``max_bytes``.
    """
    if max_age_s is None and max_bytes is None:
        return []
    found = expired_files(
        _span_files(Path(root).absolute()),
        max_age_s=max_age_s,
        max_bytes=max_bytes,
        now_unix_nano=now_unix_nano,
    )
    removed = [file.path for file in found if file.path not in keep]
    for path in removed:
        Path(path).unlink(missing_ok=True)
    if removed:
        log(
            EXPIRED_FILES_REMOVED,
            f"{counted(len(removed), 'file has', 'files have')} expired",
            paths=removed,
        )
    return removed


def _span_files(root: Path) -> list[SpanFile]:
    """Regular files with our names in folders of the root; links are nobody's to remove."""
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            written, path = file_unix_nano(name), Path(folder, name)
            if written is None or path.is_symlink():
                continue
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                continue
            found.append(SpanFile(path=str(path), size_bytes=size, unix_nano=written))
    return found
