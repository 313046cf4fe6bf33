"""Files that were refused: kept with the reason until their bytes change (invariant I4)."""

from collections.abc import Container, Iterable

import duckdb

from indexer.model import QuarantinedFile

STILL_RETRIED = (-1, -1)
"""A stamp that no file has: a reported transient failure does not stop the next try."""

_REFUSE = """
INSERT INTO quarantined_files
SELECT $file_path, $relative_path, $error_type, $error_message, $hint, $transient, $tries,
       $now, $now, $size_bytes, $modified_unix_nano, $was_indexed
ON CONFLICT (file_path) DO UPDATE SET
    error_type = excluded.error_type,
    error_message = excluded.error_message,
    hint = excluded.hint,
    transient = excluded.transient,
    tries = tries + excluded.tries,
    last_seen = excluded.last_seen,
    size_bytes = excluded.size_bytes,
    modified_unix_nano = excluded.modified_unix_nano,
    was_indexed = was_indexed OR excluded.was_indexed
"""


def refuse(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[QuarantinedFile],
    indexed: Container[str],
    now_unix_nano: int,
) -> None:
    """Record each refusal, or count one more try of a file that is there already.

    ``indexed`` are the relative paths that the index has spans of.
    """
    for file in files:
        connection.execute(
            _REFUSE.replace("$now", "make_timestamptz($now_us)"),
            {
                "file_path": file.file_path,
                "relative_path": file.relative_path,
                "error_type": file.error_type,
                "error_message": file.error_message,
                "hint": file.hint,
                "transient": file.transient,
                "tries": file.tries,
                "now_us": now_unix_nano // 1000,
                "size_bytes": file.size_bytes,
                "modified_unix_nano": file.modified_unix_nano,
                "was_indexed": file.relative_path in indexed,
            },
        )


def release(connection: duckdb.DuckDBPyConnection, relative_paths: Iterable[str]) -> None:
    """Forget the refusals of files that are indexed now, or gone."""
    paths = sorted(relative_paths)
    if paths:
        connection.execute(
            "DELETE FROM quarantined_files WHERE relative_path IN (SELECT unnest($paths))",
            {"paths": paths},
        )


def refused_stamps(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """The stamp of the bytes that were refused, by relative path; see ``refused_stamp``."""
    rows = connection.execute(
        "SELECT relative_path, transient, size_bytes, modified_unix_nano FROM quarantined_files"
    ).fetchall()
    return {
        path: STILL_RETRIED if transient else (size, modified)
        for path, transient, size, modified in rows
    }


def refused_stamp(file: QuarantinedFile) -> tuple[int, int]:
    """(size, time) that is not to be read again; of a transient failure, none."""
    return STILL_RETRIED if file.transient else file.stamp
