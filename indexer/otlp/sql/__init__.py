"""OTLP files as table functions of a DuckDB connection."""
