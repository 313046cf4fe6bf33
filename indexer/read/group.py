"""Read a group of files; each failure stays its own.

A group is what one reader task takes: enough small files that the work per call is shared, few
enough that the readers stay busy together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.errors import CorruptPage, FileError, TransientError
from indexer.model import ParquetFileInfo
from indexer.read.metadata import RawFile, batch, read_file
from indexer.spans.batch import SpanBatch
from indexer.system.storage import LocalStorage


@dataclass(slots=True)
class GroupRead:
    """What came of reading some files: batches of spans, and the files that gave none."""

    taken: list[ParquetFileInfo]
    batches: list[SpanBatch] = field(default_factory=list)
    refused: list[tuple[ParquetFileInfo, FileError]] = field(default_factory=list)
    transient: list[tuple[ParquetFileInfo, TransientError]] = field(default_factory=list)

    def add(self, other: "GroupRead") -> None:
        """Take another group's outcome in."""
        self.taken += other.taken
        self.batches += other.batches
        self.refused += other.refused
        self.transient += other.transient

    @property
    def spans(self) -> int:
        """Spans read."""
        return sum(len(one.columns) for one in self.batches)


def read_group(storage: LocalStorage, infos: Sequence[ParquetFileInfo], rows_max: int) -> GroupRead:
    """The metadata of each file, or why it cannot be had. Raises nothing of a file's."""
    result = GroupRead(taken=list(infos))
    raw_files: list[RawFile] = []
    for info in infos:
        try:
            raw_files.append(read_file(storage, info, rows_max=rows_max))
        except FileError as error:
            result.refused.append((info, error))
        except TransientError as error:
            result.transient.append((info, error))
    if raw_files:
        _interpret(raw_files, result)
    return result


def _interpret(raw_files: list[RawFile], result: GroupRead) -> None:
    """All files as one batch. Should one of them be beyond it, that one alone is refused."""
    try:
        interpreted = batch(raw_files)
    except Exception:  # noqa: BLE001 - no content of a file may stop the others
        sound = [raw for raw in raw_files if _stands_alone(raw, result)]
        if not sound:
            return
        interpreted = batch(sound)
    result.batches.append(interpreted)


def _stands_alone(raw: RawFile, result: GroupRead) -> bool:
    try:
        batch([raw])
    except Exception as error:  # noqa: BLE001 - same; the reason is kept
        reason = f"its columns cannot be interpreted: {error}"
        result.refused.append((raw.info, CorruptPage(reason, path=raw.info.relative_path)))
        return False
    return True
