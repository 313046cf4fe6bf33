"""A process that logs and flushes until it is killed; it says each number that was acknowledged.

Arguments: the log, the root, the first number, and whether files are written by a process of
their own, as in the service, or in this one, where the kill then hits the writing itself.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from indexer.ingest.flush import Flusher
from indexer.ingest.limits import FlushLimits
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from tests.ingest.bodies import body

FLUSH_ROWS = 40
WAITING_MAX = 8


class InThisProcess(WriterProcess):
    def run(self, function, *arguments):
        return function(*arguments)


def main(log: str, root: str, first: int, spawned: bool) -> None:
    wal = Wal.open(Path(log))
    process = WriterProcess() if spawned else InThisProcess()
    flusher = Flusher(wal, root, process, limits=FlushLimits(rows=FLUSH_ROWS))
    flusher.start()
    threading.Thread(target=_flush_for_ever, args=(flusher,), daemon=True).start()
    number = first
    while True:
        futures = [wal.append(body(number + ahead), 1) for ahead in range(WAITING_MAX)]
        for future in futures:
            future.result(100)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            number += 1


def _flush_for_ever(flusher: Flusher) -> None:
    while True:
        flusher.flush_due()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "spawned")
