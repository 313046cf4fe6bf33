"""Read damaged files of every layout in a process of their own, and say what became of each.

Damaged bytes reach C++ here. Should they end the process or hang it, the test that started it still
knows which of them did: ``python -m tests.writers.damaged_layouts SEED COUNT FOLDER``.
"""

from __future__ import annotations

import faulthandler
import json
import random
import resource
import shutil
import sys
from pathlib import Path

from indexer.errors import IndexerError
from tests.read.damage import EVERY, MEMORY_BYTES_MAX, READING_S_MAX
from tests.support.file_spans import WRITERS, spans_of

NAMES = (
    "binary-text/clickhouse-binary-maps.parquet",
    "binary-text/clickhouse-binary-json.parquet",
    "delta-encodings/delta-byte-array.parquet",
    "delta-encodings/duckdb-v2.parquet",
    "encrypted/plaintext-footer-payload-only.parquet",
    "ids/raw-fixed.parquet",
    "key-value-lists/any-values.parquet",
    "tempo-vparquet5/data.parquet",
    "variant/attributes-and-events.parquet",
)


def damaged(content: bytes, seed: str, number: int) -> tuple[bytes, str]:
    """The ``number``-th damaged version of a file, and what was done to it.

    Every second time in the footer, where the layout of the columns stands.
    """
    chance = random.Random(f"{seed} {number}")
    mutable = bytearray(content)
    length = int.from_bytes(content[-8:-4], "little")
    start = len(content) - 8 - length if number % 2 else 0
    mutate = chance.choice(EVERY)
    description = f"{mutate.__name__}: {mutate(chance, mutable, start, len(content))}"
    return bytes(mutable), description


def outcome(folder: Path, name: str, content: bytes) -> str:
    """What a trace would show: the number of spans, or the name of the error."""
    (folder / name).write_bytes(content)
    try:
        return f"{len(spans_of(folder, name))} spans"
    except IndexerError as error:
        return error.error_type
    except Exception as error:
        return f"surprise: {type(error).__name__}: {error}"


def main(seed: str, count: int, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    for name in NAMES:
        content = (WRITERS / name).read_bytes()
        meta = (WRITERS / name).with_name("meta.json")
        if meta.exists():
            shutil.copy(meta, folder)
        for number in range(count):
            bad, damage = damaged(content, f"{seed} {name}", number)
            case = {"file": name, "number": number, "damage": damage}
            print(json.dumps(case), flush=True)
            faulthandler.dump_traceback_later(READING_S_MAX, exit=True)
            case["outcome"] = outcome(folder, Path(name).name, bad)
            faulthandler.cancel_dump_traceback_later()
            print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
