"""What ``read`` hands to ``register``: files, and all their spans side by side."""

from dataclasses import dataclass

from indexer.model import FileFooter, ParquetFileInfo
from indexer.spans.columns import SpanColumns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParquetFileData:
    """What one file contributes to the index."""

    info: ParquetFileInfo
    footer: FileFooter
    dialect: str
    missing_columns: tuple[str, ...]
    rejected_spans: int
    """Rows without a real trace_id or span_id."""
    repeated_spans: int
    """Rows whose identity an earlier row of the same file has."""
    clamped_values: int
    """Values that the index could not take as they are; the payload keeps them."""
    content_digest: str
    spans: SpanColumns
    """Distinct spans of the file, in order of trace; row ``i`` is one ``SpanMetadata``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpanBatch:
    """Files with all their spans side by side; ``columns.slot`` points into ``files``."""

    files: tuple[ParquetFileData, ...]
    columns: SpanColumns
