"""Spans as columns: identifiers as integers, so that checks and sums are a few array operations.

Both ends of the index use these: ``read`` makes them from Parquet, ``register`` and ``audit``
make them from the catalog. What a span's digest, a trace's summary or a service's count is, is
said here once.
"""
