"""What searches have learnt of keys of files, in the catalog: rebuildable, and within its bytes."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from indexer.catalog.insert import insert_table
from indexer.spans.key_summary import FileKeySummary, KeySummary
from indexer.spans.value_filter import HASH_VERSION

Key = tuple[str, str]
"""Owner and key of an attribute."""

KEPT_AFTER = 0.75
"""The share of the bytes that is left when there were too many: the next ones need no deletion."""

_SCHEMA = pa.schema(
    [
        ("file_id", pa.int32()),
        ("owner", pa.string()),
        ("key", pa.string()),
        ("is_present", pa.bool_()),
        ("least", pa.float64()),
        ("greatest", pa.float64()),
        ("has_text", pa.bool_()),
        ("value_filter", pa.binary()),
        ("hash_version", pa.int32()),
        ("size_bytes", pa.int32()),
        ("learnt_unix_nano", pa.int64()),
    ]
)
_FORGET_AGAIN = """
DELETE FROM file_key_summaries USING learnt_again AS again
WHERE file_key_summaries.file_id = again.file_id
  AND file_key_summaries.owner = again.owner AND file_key_summaries.key = again.key
"""
_FORGET_OLDEST = """
DELETE FROM file_key_summaries WHERE rowid IN (
    SELECT rowid FROM file_key_summaries
    QUALIFY sum(size_bytes) OVER (ORDER BY learnt_unix_nano DESC, rowid DESC) > {kept}
)
"""


_READ = f"""
SELECT file_id, owner, key, is_present, least, greatest, has_text, value_filter
FROM file_key_summaries WHERE hash_version = {HASH_VERSION} AND {{where}}
"""


def read_summaries(
    connection: duckdb.DuckDBPyConnection, where: str = "true"
) -> dict[int, dict[Key, KeySummary]]:
    """What is known of keys, by file_id. A file of which nothing is known is left out."""
    found: dict[int, dict[Key, KeySummary]] = {}
    rows = connection.execute(_READ.format(where=where)).fetchall()
    for file_id, owner, key, is_present, least, greatest, has_text, content in rows:
        found.setdefault(file_id, {})[owner, key] = KeySummary(
            is_present=is_present,
            least=least,
            greatest=greatest,
            has_text=has_text,
            value_filter=content,
        )
    return found


def summary_bytes(connection: duckdb.DuckDBPyConnection) -> int:
    """About what all of them take."""
    sql = "SELECT coalesce(sum(size_bytes), 0)::BIGINT FROM file_key_summaries"
    ((count,),) = connection.execute(sql).fetchall()
    return int(count)


def insert_summaries(
    connection: duckdb.DuckDBPyConnection,
    summaries: Mapping[int, Sequence[FileKeySummary]],
    now_unix_nano: int,
    bytes_max: int,
) -> None:
    """Insert what was learnt of registered files, by file_id; part of the caller's transaction.

    What was known of the same keys goes, and the oldest where all are more than ``bytes_max``.
    """
    rows = pa.Table.from_pylist(
        [
            _row(file_id, one, now_unix_nano)
            for file_id, learnt in summaries.items()
            for one in {(one.owner, one.key): one for one in learnt}.values()
        ],
        _SCHEMA,
    )
    connection.register("learnt_again", rows)
    try:
        connection.execute(_FORGET_AGAIN)
    finally:
        connection.unregister("learnt_again")
    insert_table(connection, "file_key_summaries", rows)
    if summary_bytes(connection) > bytes_max:
        connection.execute(_FORGET_OLDEST.format(kept=int(bytes_max * KEPT_AFTER)))


def _row(file_id: int, one: FileKeySummary, now_unix_nano: int) -> dict[str, object]:
    summary = one.summary
    return {
        "file_id": file_id,
        "owner": one.owner,
        "key": one.key,
        "is_present": summary.is_present,
        "least": summary.least,
        "greatest": summary.greatest,
        "has_text": summary.has_text,
        "value_filter": summary.value_filter,
        "hash_version": HASH_VERSION,
        "size_bytes": one.size_bytes,
        "learnt_unix_nano": now_unix_nano,
    }
