"""What was seen of a file that lets DuckDB's own reader show its columns."""

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScan:
    """The columns of a file of which every value was seen to be of the simple kind.

    Columns are named by the canonical payload column that they hold. Nothing is named of a file
    that the canonical reader alone reads rightly.
    """

    schema_digest: str = ""
    """Of the file's Parquet schema: files that share it are read in one scan, without a cast."""
    has_metadata: bool = False
    """The file's own IDs, texts and numbers are, row by row, what the index says."""
    stored: tuple[str, ...] = ()
    """Stand in the file as they are shown."""
    rewritten: tuple[str, ...] = ()
    """Are shown rightly by an expression in SQL."""
    empty: tuple[str, ...] = ()
    """Events and links of which no span has any."""
    null_free: tuple[str, ...] = ()
    """Of what is stored, the columns in which no value is NULL."""
    event_names: tuple[str, ...] | None = None
    """Of all its events; None where they are not known, or too many."""


UNSCANNED = FileScan()
"""Of a file that was not looked at, or of which nothing is simple."""
