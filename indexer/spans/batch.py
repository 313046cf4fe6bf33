"""What ``read`` hands to ``register``: files, and all their spans side by side."""

from indexer.deferred_dataclass import dataclass
from indexer.model import FileFooter, ParquetFileInfo
from indexer.spans.columns import SpanColumns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParquetFileData:
    """What one file contributes to the index."""

    info: ParquetFileInfo
    footer: FileFooter
    dialect: str
    missing_columns: tuple[str, ...]
    nested_columns: tuple[str, ...]
    rejected_spans: int
    """Rows without a valid trace_id or span_id."""
    rejected_example: str | None
    """What the first of these has in their place."""
    repeated_spans: int
    """Rows whose identity an earlier row of the same file has."""
    clamped_values: int
    """Values that the index could not take as they are; the payload keeps them."""
    content_digest: str
    columns: SpanColumns
    """The spans of the whole batch; those of this file are at ``rows``."""
    rows: slice

    @property
    def spans(self) -> SpanColumns:
        """Distinct spans of the file, in order of trace; row ``i`` is one ``SpanMetadata``."""
        return self.columns.take(self.rows)

    @property
    def span_count(self) -> int:
        """Distinct spans of the file."""
        return int(self.rows.stop - self.rows.start)

    @property
    def time_range(self) -> tuple[int, int] | None:
        """(earliest start, latest end) in nanoseconds; None without spans."""
        if not self.span_count:
            return None
        start = self.columns.start[self.rows]
        return int(start.min()), int((start + self.columns.duration[self.rows]).max())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpanBatch:
    """Files with all their spans side by side; ``columns.slot`` points into ``files``."""

    files: tuple[ParquetFileData, ...]
    columns: SpanColumns
