"""REMEMBER it, exactly once: the single writer of the DuckDB catalog.

One transaction per batch of files; a file's row, spans, traces, services and operations are all
there or none of them (invariant I3).
"""
