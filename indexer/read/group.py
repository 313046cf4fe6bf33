"""Read a group of files; each failure stays its own.

A group is what one reader task takes: enough small files that the work per call is shared, few
enough that the readers stay busy together.
"""

from collections.abc import Sequence
from dataclasses import field

from indexer.deferred_dataclass import dataclass
from indexer.errors import CorruptPage, FileError, FileFault, InvalidIds, TransientError
from indexer.model import ParquetFileInfo
from indexer.read.metadata import RawFile, batch, read_file
from indexer.spans.batch import ParquetFileData, SpanBatch
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
        except Exception as error:  # noqa: BLE001 - no content of a file may stop the others
            reason = f"it cannot be read: {type(error).__name__}: {error}"
            result.refused.append((info, FileFault(reason, path=info.relative_path)))
    if raw_files:
        interpreted = _without_rejected(_interpret(raw_files, result), raw_files, result)
        result.batches += [] if interpreted is None else [interpreted]
    return result


def _without_rejected(
    interpreted: SpanBatch | None, raw_files: list[RawFile], result: GroupRead
) -> SpanBatch | None:
    """The batch without files of which every row is rejected: these say the reason themselves."""
    empty = [] if interpreted is None else [file for file in interpreted.files if _is_empty(file)]
    if not empty:
        return interpreted
    for file in empty:
        message = f"no row has a valid trace ID and span ID; {file.rejected_example}"
        path = file.info.relative_path
        result.refused.append((file.info, InvalidIds(message, path=path)))
    refused = {info.relative_path for info, _ in result.refused}
    sound = [raw for raw in raw_files if raw.info.relative_path not in refused]
    return batch(sound) if sound else None


def _is_empty(file: ParquetFileData) -> bool:
    return 0 < file.rejected_spans == file.footer.row_count


def _interpret(raw_files: list[RawFile], result: GroupRead) -> SpanBatch | None:
    """All files as one batch. Should one of them be beyond it, that one alone is refused."""
    try:
        return batch(raw_files)
    except Exception:  # noqa: BLE001 - no content of a file may stop the others
        sound = [raw for raw in raw_files if _stands_alone(raw, result)]
        return batch(sound) if sound else None


def _stands_alone(raw: RawFile, result: GroupRead) -> bool:
    try:
        batch([raw])
    except Exception as error:  # noqa: BLE001 - same; the reason is kept
        reason = f"its columns cannot be interpreted: {error}"
        result.refused.append((raw.info, CorruptPage(reason, path=raw.info.relative_path)))
        return False
    return True
