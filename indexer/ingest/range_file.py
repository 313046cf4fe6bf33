"""What the writing process does: a range of logged requests becomes one Parquet file.

It runs outside the process that receives, which would otherwise stand still for as long as
requests are decoded. It gets plain values, opens the log by path, read-only, and answers with
plain values.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.deferred_dataclass import dataclass
from indexer.errors import RefusedFull, WalBusy
from indexer.ingest.layout import temporary_file
from indexer.ingest.log_reader import KeyRange, LoggedRequest, LogReader
from indexer.otlp.clip import Clipped
from indexer.otlp.portions import portions
from indexer.system.durable_files import make_private_folder, replacing
from indexer.system.permissions import (
    DEFAULT_MODES,
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    FileModes,
    restrict,
)

if TYPE_CHECKING:
    import pyarrow as pa

REFUSED_BYTES_MAX = 1 << 30
"""Of requests that cannot be rows, together: forty files of nothing else. They are for somebody to
look at; beyond this flushing waits until that was done, and the log keeps all."""
BLOCK_BYTES = 4096
DEADLY = "it kills the process that writes files"

Decode = Callable[[Iterable[bytes]], "pa.Table"]
"""Rows of serialised export requests in order; a function that a spawned process can import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRequest:
    """An acknowledged request that cannot be rows, and the file that keeps its bytes."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeFile:
    """What became of a range. No span: no file."""

    span_count: int
    size_bytes: int
    refused: tuple[RefusedRequest, ...]
    clipped: Clipped
    """What its spans had beyond their limits."""


def decode_spans(whole: Iterable[bytes]) -> "pa.Table":
    """``portions_table``, which the process that receives can name without its libraries."""
    from indexer.otlp.spans import portions_table  # noqa: PLC0415 - it runs where files are written

    return portions_table(whole)


def write_range(
    wal_path: Path,
    planned: KeyRange,
    target: Path,
    decode: Decode,
    deadly: frozenset[bytes] = frozenset(),
    modes: FileModes = DEFAULT_MODES,
) -> RangeFile:
    """Write the spans of a range as a file, and the requests that cannot be as files of their own.

    Those are the ones that do not decode, and the ``deadly`` ones, by key, that are not tried.
    Raises WalBusy when the log has not all of the range any more: somebody else has flushed it;
    and RefusedFull when there is no room for what cannot be rows.
    """
    requests = _read(wal_path, planned)
    clipped = Clipped()
    tables, bad = decode_each([one for one in requests if one.key not in deadly], decode, clipped)
    bad += [(one, DEADLY) for one in requests if one.key in deadly]
    refused = tuple(_keep(refused_folder(wal_path), one, reason) for one, reason in bad)
    del requests, bad  # as many bytes as the rows, which are about to be put in order
    rows = sum(table.num_rows for table in tables)
    size = _write(tables, target, modes) if rows else 0
    return RangeFile(span_count=rows, size_bytes=size, refused=refused, clipped=clipped)


def rehearse(wal_path: Path, keys: tuple[bytes, bytes], decode: Decode) -> None:
    """All that ``write_range`` does with the requests from one key to another, but no file."""
    reader = LogReader(wal_path)
    try:
        requests = reader.read_range(*keys)
    finally:
        reader.close()
    tables, _ = decode_each(requests, decode)
    if any(table.num_rows for table in tables):
        _write(tables, None)


def decode_each(
    requests: Sequence[LoggedRequest], decode: Decode, clipped: Clipped | None = None
) -> tuple[list["pa.Table"], list[tuple[LoggedRequest, str]]]:
    """The rows of the requests that decode, and the others with the reason.

    Whatever one request alone makes the decoder raise, it must not keep the others in the log.
    ``clipped`` counts what spans had beyond their limits.
    """
    found = Clipped()
    bad: list[tuple[LoggedRequest, str]] = []
    try:
        tables = [decode(_portions(requests, found))]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - which request it was, and why, is found one by one below
        found = Clipped()
        tables, bad = _decode_one_by_one(requests, decode, found)
    if clipped is not None:
        clipped.merge(found)
    return tables, bad


def _decode_one_by_one(
    requests: Sequence[LoggedRequest], decode: Decode, clipped: Clipped
) -> tuple[list["pa.Table"], list[tuple[LoggedRequest, str]]]:
    tables: list[pa.Table] = []
    bad: list[tuple[LoggedRequest, str]] = []
    for request in requests:
        try:
            tables.append(decode(_portions([request], clipped)))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - any refusal is kept with its reason
            bad.append((request, f"{type(error).__name__}: {error}"))
    return tables, bad


def _portions(requests: Sequence[LoggedRequest], clipped: Clipped) -> Iterator[bytes]:
    """The requests in portions: no decoder has more in hand, or a span beyond limits."""
    for request in requests:
        yield from portions(request.body, clipped=clipped)


def _write(tables: list["pa.Table"], target: Path | None, modes: FileModes = DEFAULT_MODES) -> int:
    """The rows as one file, and its size; without a target all the work of it and no file.

    No table is left in the list: they are as large as the copy of their rows that is in order.
    """
    from indexer.ingest.parquet import (  # noqa: PLC0415 - the process that receives needs none
        encode_spans,
        write_span_tables,
    )

    rows = _taken(tables)
    if target is None:
        encode_spans(rows)
        return 0
    return write_span_tables(rows, target, modes)


def _taken(tables: list["pa.Table"]) -> Iterator["pa.Table"]:
    """All rows as one table, which only the caller has."""
    import pyarrow as pa  # noqa: PLC0415 - the process that receives needs no Arrow

    whole = [pa.concat_tables(tables)]
    tables.clear()
    yield whole.pop()


def keep_refused(folder: Path, name: str, content: bytes) -> Path:
    """What cannot be a row, as a file of its own, durable when this returns; its path.

    Raises RefusedFull when the folder has no room: what was acknowledged is never deleted for
    other such files, so it stays where it is until somebody has looked.
    """
    target = folder / name
    make_private_folder(folder)
    held = sum(_cost(one.stat().st_size) for one in os.scandir(folder) if one.name != name)
    if held + _cost(len(content)) > REFUSED_BYTES_MAX:
        raise RefusedFull(f"{folder} has {held} bytes of requests that cannot become rows")
    with replacing(target, temporary_file(target), PRIVATE_FILE) as file:
        file.write(content)
    return target


def restrict_refused(folder: Path) -> None:
    """Take a folder of refused requests that an older version made from everybody else."""
    restrict([folder], PRIVATE_FOLDER)
    restrict(folder.glob("*"), PRIVATE_FILE)


def refused_folder(wal_path: Path) -> Path:
    """``<log>.refused``: the bytes of acknowledged requests that cannot be rows, a file each."""
    return wal_path.with_name(wal_path.name + ".refused")


def _read(wal_path: Path, planned: KeyRange) -> list[LoggedRequest]:
    reader = LogReader(wal_path)
    try:
        requests = reader.read_range(planned.first_key, planned.last_key)
    finally:
        reader.close()
    if len(requests) != planned.request_count:
        raise WalBusy(
            f"the log has only {len(requests)} of the {planned.request_count} requests to flush"
        )
    return requests


def _keep(folder: Path, request: LoggedRequest, reason: str) -> RefusedRequest:
    path = keep_refused(folder, f"{request.key.hex()}.otlp", request.body)
    return RefusedRequest(path=str(path), reason=reason)


def _cost(size: int) -> int:
    """Of a file on a disk, so that many small ones count too."""
    return max(size, BLOCK_BYTES)
