"""Read OTLP files with SQL: ``python -m examples.read_otlp FILE``, or a pattern in quotes."""

import sys

import indexer

with indexer.connect() as connection:
    found = connection.execute(
        "SELECT name, duration_time_unix_nano, span_attributes FROM read_otlp_traces(?)",
        [sys.argv[1]],
    )
    for row in found.fetchall():
        print(*row)
