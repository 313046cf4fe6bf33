"""``ingest`` and ``up``: the embedded ingestion alone, and with its worker in one process group.

``up`` starts both as processes of their own, so that a decoder's work never holds up an answer.
When one ends, the other one is stopped too, and whoever watches over ``up`` starts both again.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from indexer.clients.unix_socket import LocalClient
from indexer.errors import IndexerError, InvalidSettings
from indexer.run import ports
from indexer.settings import Settings
from indexer.settings.environment import read_given
from indexer.settings.paths import check_ingestion_paths, check_worker_paths
from indexer.system.program_name import program_name
from indexer.system.stop_signals import STOP_SIGNALS, catch_stop_signals, signal_waiter

LOOK_EVERY_S = 5.0
"""At its parts, should the signal of an end have been lost."""
STOP_S = 30.0
"""How long a part may take to stop: a last flush of everything in the log."""
LOOPBACK = "127.0.0.1"
ALLOCATORS = {
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "DUCKDB_JE_MALLOC_CONF": "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0",
}
"""What the parts get unless the environment says otherwise. glibc keeps what was freed for each of
eight times the cores, and Arrow for itself: together 100 of 650 MiB while spans come in as fast as
they are acknowledged, at the same processor time. DuckDB's jemalloc keeps what was freed until more
is asked for, whatever DuckDB's own settings of it say: after 360,000 spans in 6 files 100 of 338
MiB, and 40 at the peak. To give it back at once cost 7 % of the time that the index takes by
itself, and a fifth of a statement; a second later it does not."""


def ingest(settings: Settings, _options: argparse.Namespace) -> int:
    """Receive OTLP and write span files, for ever."""
    catch_stop_signals()
    from indexer.run.ingestion import serve_ingestion  # noqa: PLC0415 - only this command needs it

    asyncio.run(serve_ingestion(settings))
    return 0


def up(settings: Settings, options: argparse.Namespace) -> int:
    """Ingestion and worker together, for ever; 1 when one of them ended by itself."""
    if settings.ingestion_root != settings.storage_root:
        raise InvalidSettings(
            f"SPAN_STORAGE_PATH ({settings.ingestion_root}) and JUNJO_SPAN_STORAGE_PATH "
            f"({settings.storage_root}) differ",
            hint="`up` writes and indexes one folder: unset one of the two.",
        )
    check_ingestion_paths(settings)
    check_worker_paths(settings)
    ports.check_ports(settings)
    request = catch_stop_signals()
    host = {"INGESTION_GRPC_HOST": LOOPBACK}
    config = () if options.config is None else ("--config", str(options.config))
    with signal_waiter() as wait:
        ingestion = _start("ingest", *config)
        worker = _start(*config, environ=host)
        while not request.is_made and ingestion.poll() is None and worker.poll() is None:
            wait(LOOK_EVERY_S)
    clean = request.is_made
    if clean:
        _tell(settings, worker, "/ingestion-ending")
    clean = _stop(ingestion) == 0 and clean
    _tell(settings, worker, "/sweep")  # the last flush's file is found without the next start
    return 0 if _stop(worker) == 0 and clean else 1


def _start(*arguments: str, environ: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """A part of the same program, in the same process group: Ctrl-C reaches it as well.

    Its input is a pipe that ends with this process, killed or not, and then the part stops too.
    """
    return subprocess.Popen(  # noqa: S603 - this program itself
        [sys.executable, "-m", "indexer", "--part-of", program_name(), *arguments],
        bufsize=0,
        stdin=subprocess.PIPE,
        env={**ALLOCATORS, **_known_variables(), **(environ or {})},
        preexec_fn=_hold_signals,  # noqa: PLW1509 - this process has no threads
    )


def _known_variables() -> dict[str, str]:
    """What this process ignores it has named in its log: its parts need not do it again."""
    ignored = read_given().ignored
    return {name: value for name, value in os.environ.items() if name not in ignored}


def _hold_signals() -> None:
    """They wait until the part handles them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def _stop(part: "subprocess.Popen[bytes]") -> int:
    if part.poll() is None:
        part.send_signal(signal.SIGTERM)
    with part:  # closes its input as well, once it has ended
        try:
            return part.wait(STOP_S)
        except subprocess.TimeoutExpired:
            part.kill()
            return part.wait()


def _tell(settings: Settings, worker: "subprocess.Popen[bytes]", action: str) -> None:
    """Have the worker do something before it stops; one that is stopping already needs nothing."""
    if worker.poll() is None:
        with suppress(IndexerError):
            LocalClient(settings.catalog_pointer).post(action)
