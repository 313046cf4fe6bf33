"""The embedded ingestion: export requests are logged, acknowledged, and become Parquet files."""
