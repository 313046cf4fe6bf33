"""Parquet's own structures: footers, pages, checksums. It knows no spans."""
