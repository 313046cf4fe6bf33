"""One transaction of the index path: applied, counted, measured and said."""

from collections.abc import Callable, Iterable

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.files import FileRegister
from indexer.model import Progress
from indexer.spans.batch import ParquetFileData
from indexer.system.clock import Clock
from indexer.system.counted_nouns import counted
from indexer.system.storage import display_path
from indexer.telemetry import metrics
from indexer.telemetry.log import FILES_REGISTERED, FILES_REMOVED, ROWS_REJECTED, log
from indexer.telemetry.tracing import registering


class Registration:
    """Applies updates to the register, and keeps the progress."""

    def __init__(
        self,
        register: FileRegister,
        clock: Clock,
        progress: Progress,
        registered: Callable[[], None],
    ) -> None:
        """``registered`` is called after each transaction with files."""
        self._register = register
        self._clock = clock
        self._progress = progress
        self._registered = registered

    def apply(self, update: CatalogUpdate) -> None:
        """Do all of it in one transaction. Raises CatalogWriteFailed."""
        if update.is_empty:
            return
        files = sum(len(one.files) for one in update.batches)
        spans = sum(len(one.columns) for one in update.batches)
        with registering(files=files, spans=spans, removed=len(update.removed)):
            self._register.apply(update)
        progress = self._progress
        progress.transactions += 1
        progress.files_registered += files
        progress.spans_registered += spans
        progress.files_removed += len(update.removed)
        progress.files_quarantined += len(update.refused)
        if files:
            self._registered()
            self._report_files(update, files, spans)
        if update.removed:
            log(
                FILES_REMOVED,
                f"removed {counted(len(update.removed), 'file')}",
                files=len(update.removed),
            )

    def _report_files(self, update: CatalogUpdate, files: int, spans: int) -> None:
        metrics.files_indexed(
            (file.info.modified_unix_nano for one in update.batches for file in one.files),
            spans=spans,
            now_unix_nano=self._clock.now_unix_nano(),
        )
        newest = update.batches[0].files[0].info.relative_path
        more = f" and {files - 1} more" if files > 1 else ""
        message = f"indexed {newest}{more}: {counted(spans, 'span')}"
        log(FILES_REGISTERED, message, files=files, spans=spans)
        _report_rejected(file for one in update.batches for file in one.files)


def _report_rejected(files: Iterable[ParquetFileData]) -> None:
    for file in files:
        if file.rejected_spans:
            path = display_path(file.info.relative_path)
            log(
                ROWS_REJECTED,
                f"{path}: {counted(file.rejected_spans, 'row has', 'rows have')} no valid trace ID "
                f"and span ID; {file.rejected_example}",
                file_path=path,
                rows=file.rejected_spans,
            )
