"""What one transaction of the index path does to a catalog, as a value."""

from collections.abc import Sequence

from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo, QuarantinedFile
from indexer.spans.batch import SpanBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogUpdate:
    """Everything one transaction does. Paths are relative to the storage root."""

    batches: Sequence[SpanBatch] = ()
    removed: frozenset[str] = frozenset()
    refused: Sequence[QuarantinedFile] = ()
    released: frozenset[str] = frozenset()
    """Refused files that are gone from the disk."""
    relocated: Sequence[ParquetFileInfo] = ()
    """Known files whose device, inode or change time is another and whose bytes are not."""

    @property
    def is_empty(self) -> bool:
        """Nothing to do."""
        return not (self.batches or self.removed or self.refused or self.released or self.relocated)
