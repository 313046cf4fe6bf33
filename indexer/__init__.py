"""Span Parquet files become one queryable, provable index.

The data's path, which the folders spell out:

    discover -> read -> register -> query

discover   which files exist, and which are new, changed, gone or not finished yet
read       what is in a file: one batch of metadata columns, or a typed refusal
register   remember it exactly once, in the single DuckDB catalog
query      answer from the index, and from exactly the files it names
"""

__version__ = "0.1.0"
