"""The index's columns of a span, declared once: SQL, Arrow, arrays and rows follow from it.

Adding one takes a ``Column`` here with its field in ``SpanColumns`` and in ``SpanMetadata``, which
are compared with this when they are imported; a migration that adds it and has files read again
(set ``parquet_files.size_bytes`` to -1); and the reader that fills it.
"""

import numpy as np

from indexer.deferred_dataclass import dataclass
from indexer.spans.column_types import CodedTexts, ColumnType, Numbers, SpanIds, TraceIds

INTEGER, BIGINT, TINYINT = (
    Numbers("INTEGER", np.int32),
    Numbers("BIGINT", np.int64),
    Numbers("TINYINT", np.int8),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of ``indexed_spans``, beside ``file_id``."""

    name: str
    """Of ``span_metadata`` and ``SpanMetadata``."""
    fields: tuple[str, ...]
    """Of ``SpanColumns``: one, or the two words of a trace id."""
    type: ColumnType
    word: int
    """Which word of the digest it goes into; the second field goes into the next one."""
    shift: int = 0
    """Bits that it is moved by there, where several columns share a word."""
    identity: bool = False
    """Whether it belongs to what makes two rows one span (see ``identity``)."""
    place: bool = False
    """Whether it belongs to where the span lies in its file."""

    @property
    def stored(self) -> str:
        """Its name in ``indexed_spans``, where ids of spans are the integers that they are."""
        return f"{self.name}_uint64" if isinstance(self.type, SpanIds) else self.name


COLUMNS = (
    Column("file_row_number", ("row",), INTEGER, 6, place=True),
    Column("position_in_row", ("position",), INTEGER, 6, shift=32, place=True),
    Column("trace_id", ("trace_hi", "trace_lo"), TraceIds(), 0, identity=True),
    Column("span_id", ("span_id",), SpanIds(), 2, identity=True),
    Column("parent_span_id", ("parent_span_id",), SpanIds(optional=True), 3),
    Column("start_time_unix_nano", ("start",), BIGINT, 4),
    Column("duration_ns", ("duration",), BIGINT, 5),
    Column("status_code", ("status",), TINYINT, 7),
    Column("span_kind", ("kind",), TINYINT, 7, shift=8, identity=True),
    Column("service_name", ("service",), CodedTexts(), 8),
    Column("name", ("name",), CodedTexts(), 9),
)
"""A word of the digest is never given to another column: stored digests rest on it."""

IDENTITY = tuple(column for column in COLUMNS if column.identity)
PLACE = tuple(column for column in COLUMNS if column.place)

STORED_COLUMNS = ", ".join(["file_id", *(column.stored for column in COLUMNS)])
"""What to select from ``indexed_spans`` for ``SpanColumns.from_arrow``."""


def same_span(one: str, other: str) -> str:
    """SQL: whether rows of two tables, by their names, are copies of one span."""
    return " AND ".join(f"{one}.{column.stored} = {other}.{column.stored}" for column in IDENTITY)
