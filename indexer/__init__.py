"""Span Parquet files become one queryable, provable index.

The data's path, which the folders spell out:

    discover -> read -> register -> query

discover   which files exist, and which are new, changed, gone or not finished yet
read       what is in a file: one batch of metadata columns, or a typed refusal
register   remember it exactly once, in the single DuckDB catalog
query      answer from the index, and from exactly the files it names
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.library import Connection

__version__ = "0.1.0"


def connect(catalog: "str | os.PathLike[str] | None" = None) -> "Connection":
    """A DuckDB connection with OTLP's tables, and the index's; see ``library.connect``."""
    from indexer import library  # noqa: PLC0415 - a version is asked for without DuckDB

    return library.connect(catalog)
