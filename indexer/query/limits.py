"""How much one answer may list."""

ROWS_MAX = 10_000
"""Rows of one list in one answer."""
