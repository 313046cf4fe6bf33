"""The proof that what searches have learnt of files denies no value that a file has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from indexer.catalog.key_summaries import Key, read_summaries
from indexer.errors import IndexerError
from indexer.model import AuditStep, Finding, ParquetFileInfo
from indexer.query.find.payload_conditions import COLUMN_OF
from indexer.read.payload_table import payload_tables
from indexer.read.tally import Tally
from indexer.spans.key_summary import KeySummary, double_of, values_under
from indexer.system.storage import LocalStorage


def check_summaries(
    connection: duckdb.DuckDBPyConnection,
    storage: LocalStorage,
    files: Sequence[ParquetFileInfo],
    step: AuditStep = lambda _what, _done, _total: None,
) -> Iterable[Finding]:
    """Compare each key's summary with all canonical values of the file (I1).

    Of ``files``, which are as they were registered. One that cannot be read is named elsewhere.
    """
    by_id = read_summaries(connection)
    paths = connection.execute("SELECT file_id, relative_path FROM parquet_files").fetchall()
    learnt = {path: by_id[file_id] for file_id, path in paths if file_id in by_id}
    chosen = [info for info in files if info.relative_path in learnt]
    for done, info in enumerate(chosen, 1):
        summaries = learnt[info.relative_path]
        try:
            denied = _denied(storage, info, summaries)
        except IndexerError:
            denied = set()
        for owner, key in sorted(denied):
            detail = f"what was learnt of the {owner} attribute {key} denies a value that is there"
            yield Finding(invariant="I1", relative_path=info.relative_path, detail=detail)
        step("comparing what searches have learnt", done, len(chosen))


def _denied(
    storage: LocalStorage, info: ParquetFileInfo, summaries: Mapping[Key, KeySummary]
) -> set[Key]:
    columns = {name: COLUMN_OF[name] for name in COLUMN_OF if any(name == o for o, _ in summaries)}
    denied: set[Key] = set()
    for table in payload_tables(storage, info, list(columns.values()), Tally()):
        for owner, column in columns.items():
            stored = table.values(column)
            denied |= {
                (one, key)
                for (one, key), summary in summaries.items()
                if one == owner
                and any(denies(summary, value) for value in _values(key, stored, owner))
            }
    return denied


def _values(key: str, stored: Sequence[Any], owner: str) -> Iterable[Any]:
    for one in stored:
        yield from values_under(key, one, of_events=owner == "event")


def denies(summary: KeySummary, value: Any) -> bool:
    """Whether the summary says of a canonical value that the file does not have it."""
    if isinstance(value, str):
        return not (summary.may_have(value) and summary.may_have_text())
    number = double_of(value)
    if number is not None:
        return not (summary.may_have(value) and summary.may_have_number(number, number))
    return not (summary.may_have(value) if isinstance(value, bool) else summary.is_present)
