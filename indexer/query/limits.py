"""How much one answer may list, and what it may cost."""

from indexer.deferred_dataclass import dataclass

ROWS_MAX = 10_000
"""Rows of one list in one answer."""
TRACES_MAX = 1_000
"""Traces of one page of a search for them: the facts of each are of all its spans."""
VIEW_FILES_MAX = 10_000
"""Files that a view of SQL covers unless asked otherwise: 0.8 s of binding on DuckDB 1.5."""
SQL_HOT_BYTES_MAX = 128 << 20
"""Of hot spans that one question of SQL has, decoded: a quarter of a million of 500 bytes."""

SQL_PUBLISHED_MAX = 100_000
"""Published spans that one question of SQL has: three seconds where it reads their payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLimits:
    """What one answer may cost; each is a setting."""

    files: int = 2_000
    """Files that are read: 5 ms each, and so ten seconds."""
    payload_bytes: int = 128 << 20
    """Of text, which takes four times as much memory while it is encoded (measured)."""
    search_files: int = 10_000
    """That one page of a search opens to find its spans; the next page goes on from there."""
    search_bytes: int = 16 << 30
    """Compressed, that one page of a search reads of them."""
    search_s: float = 10.0
    """That one page of a search looks for its spans, and so a third of what an answer may take."""
    trace_spans: int = 200_000
    """Of one trace; a larger one is answered in part, and says so."""
