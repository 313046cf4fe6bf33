"""The forms in which ``sql`` writes rows, each in parts as they are read."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, BinaryIO, TextIO

import pyarrow as pa

from indexer.cli import render
from indexer.errors import QueryRefused
from indexer.system import arrow_compute as pc

ENDINGS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
_PLAN = ["explain_key", "explain_value"]
"""What DuckDB names the columns of EXPLAIN."""
BINARY = ("parquet", "arrow")
"""They are not for a terminal."""
ROW_GROUP_BYTES = 64 << 20
"""In memory, of one row group of a Parquet file."""

Said = Callable[[], Mapping[str, Any]]
"""What is said of the rows, once they are read."""


def format_of(given: str | None, output: str | None) -> str:
    """The form that is asked for, or that of the file's ending.

    Raises QueryRefused for an ending that is none, for one that says another form than the one
    given, and for a binary form without a file.
    """
    ending = PurePath(output).suffix.lower() if output else ""
    by_ending = ENDINGS.get(ending)
    if output and by_ending is None and given is None:
        raise QueryRefused(
            f"the ending of {output} does not say its format",
            hint=f"End it with one of {', '.join(ENDINGS)}, or add --format.",
        )
    if given and by_ending and given != by_ending:
        raise QueryRefused(
            f"--format {given} and the ending of {output} are of two formats",
            hint=f"Leave --format out to write {by_ending}.",
        )
    form = given or by_ending or "table"
    if form in BINARY and not output:
        raise QueryRefused(
            f"--format {form} needs --output FILE",
            hint=f"{form.capitalize()} is binary, not for a terminal.",
        )
    return form


def write_text(
    form: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], said: Said, sink: TextIO
) -> None:
    """Write the rows as text; JSON alone has room for what is said of them."""
    names = schema.names
    if form == "json":
        render.write_rows_json(_objects(names, batches), lambda: dict(said()), sink)
    elif form == "jsonl":
        render.write_json_lines(_objects(names, batches), sink)
    elif form == "csv":
        render.write_csv(names, _rows(batches), sink)
    elif names == _PLAN:
        render.plans(_rows(batches), sink)
    else:
        render.table(names, _rows(batches), sink=sink)


def write_file(
    form: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], said: Said, file: BinaryIO
) -> None:
    """Write the rows to a file, in any form; text is UTF-8."""
    if form == "parquet":
        _write_parquet(schema, batches, file)
    elif form == "arrow":
        with pa.ipc.new_file(file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
    else:
        sink = io.TextIOWrapper(file, encoding="utf-8", newline="")
        write_text(form, schema, batches, said, sink)
        sink.detach()


def _write_parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: BinaryIO) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - of this form alone

    with pq.ParquetWriter(file, schema) as writer:
        group: list[pa.RecordBatch] = []
        for batch in batches:
            group.append(batch)
            if sum(one.nbytes for one in group) >= ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(group, schema))
                group = []
        writer.write_table(pa.Table.from_batches(group, schema))


def _objects(names: Sequence[str], batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for row in _rows(batches):
        yield dict(zip(names, row, strict=True))


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from zip(*map(_values, batch.columns), strict=True)


def _values(column: pa.Array) -> list[Any]:
    """Python values; times of a nanosecond, which Python has not, are text."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
    return list(column.to_pylist())
