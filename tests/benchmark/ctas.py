"""What the indexing is compared with: DuckDB copying the same columns of the same files.

CREATE TABLE AS over an explicit list of files, into a database file, checkpointed: the least that
any index in DuckDB has to do, without knowing files, traces or services, and without a way to go
on from there when a file comes or goes.

With keys it takes those attributes out of their JSON as well, all in one call.

    python -m tests.benchmark.ctas FOLDER DATABASE [KEY ...]
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

_CREATE = """
CREATE TABLE span_metadata AS
SELECT span_id, trace_id, parent_span_id, service_name, name, start_time, end_time, duration_ns,
       status_code, span_kind, parent_span_id IS NULL AS is_root, filename{promoted}
FROM read_parquet({files})
"""


def main(folder: str, database: str, *keys: str) -> None:
    """Make the table; print the number of its rows and the seconds without imports."""
    started = time.perf_counter()
    files = text_list(sorted(str(path) for path in Path(folder).rglob("*.parquet")))
    with duckdb.connect(database) as connection:
        connection.execute("SET threads = 2")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_CREATE.format(files=files, promoted=_promoted(keys)))
        connection.execute("CHECKPOINT")
        counted = connection.execute("SELECT count(*) FROM span_metadata").fetchone()
    seconds = time.perf_counter() - started
    print(json.dumps({"spans": counted[0] if counted else 0, "seconds": seconds}))


def _promoted(keys: Sequence[str]) -> str:
    """A column with the texts of these attributes; nothing without keys."""
    paths = text_list(f"/{key}" for key in keys)
    return f", json_extract_string(attributes, {paths}) AS promoted" if keys else ""


def text_list(texts: Iterable[str]) -> str:
    """A list of literals, ``['one', 'two']``: what ``read_parquet`` is given its files as."""
    return "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in texts) + "]"


if __name__ == "__main__":
    main(*sys.argv[1:])
