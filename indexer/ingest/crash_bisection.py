"""Which requests kill the process that writes files: found by halving, one death a step.

A native crash, or memory that one request alone exhausts, takes the process with it, so there is
no error that names the request. Left where it is, it would keep all others in the log for ever.
"""

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

from indexer.ingest.log_reader import KeyRange, LogReader
from indexer.ingest.range_file import Decode, rehearse
from indexer.ingest.writer_process import WriterProcess


def deadly_requests(wal_path: Path, planned: KeyRange, decode: Decode) -> frozenset[bytes]:
    """Keys of the requests of a range that kill the process, each by itself and each time.

    The range is known to kill it; none is found if it is only together that they do. Raises what
    else goes wrong on the way.
    """
    with (
        closing(LogReader(wal_path)) as reader,
        closing(WriterProcess()) as process,  # nobody else's work dies with it, nor it with theirs
    ):
        keys = reader.read_keys(planned.first_key, planned.last_key)
        return frozenset(_halved(process, wal_path, keys, decode))


def _deadly(
    process: WriterProcess, wal_path: Path, keys: Sequence[bytes], decode: Decode
) -> list[bytes]:
    run = process.run if len(keys) == 1 else process.run_once
    try:
        run(rehearse, wal_path, (keys[0], keys[-1]), decode)
    except BrokenProcessPool:
        return list(keys) if len(keys) == 1 else _halved(process, wal_path, keys, decode)
    return []


def _halved(
    process: WriterProcess, wal_path: Path, keys: Sequence[bytes], decode: Decode
) -> list[bytes]:
    half = len(keys) // 2
    parts = [part for part in (keys[:half], keys[half:]) if part]
    return [key for part in parts for key in _deadly(process, wal_path, part, decode)]
