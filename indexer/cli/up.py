"""``ingest`` and ``up``: the embedded ingestion alone, and with its worker in one process group.

``up`` starts both as processes of their own, so that a decoder's work never holds up an answer.
When one ends, the other one is stopped too, and whoever watches over ``up`` starts both again. The
process of ``up`` goes on as ``part_watch``.
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from typing import NoReturn

from indexer.cli.part_watch import Part, become_watch
from indexer.errors import InvalidSettings
from indexer.run import ports
from indexer.settings import Settings
from indexer.settings.environment import read_given
from indexer.settings.paths import check_ingestion_paths, check_worker_paths
from indexer.system.program_name import program_name
from indexer.system.stop_signals import STOP_SIGNALS, catch_stop_signals

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
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""A part is started as from a shell."""


def ingest(settings: Settings, _options: argparse.Namespace) -> int:
    """Receive OTLP and write span files, for ever."""
    catch_stop_signals()
    import asyncio  # noqa: PLC0415 - `up` needs none

    from indexer.run.ingestion import serve_ingestion  # noqa: PLC0415 - only this command needs it

    asyncio.run(serve_ingestion(settings))
    return 0


def up(settings: Settings, options: argparse.Namespace) -> NoReturn:
    """Ingestion and worker together, for ever; 1 when one of them ended by itself.

    Raises InvalidSettings, and OSError when a process cannot be started.
    """
    if settings.ingestion_root != settings.storage_root:
        raise InvalidSettings(
            f"SPAN_STORAGE_PATH ({settings.ingestion_root}) and JUNJO_SPAN_STORAGE_PATH "
            f"({settings.storage_root}) differ",
            hint="`up` writes and indexes one folder: unset one of the two.",
        )
    check_ingestion_paths(settings)
    check_worker_paths(settings)
    ports.check_ports(settings)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # until the parts handle them, and this
    config = () if options.config is None else ("--config", str(options.config))
    ingestion = _start("ingest", *config)
    worker = _start(*config, environ={"INGESTION_GRPC_HOST": LOOPBACK})
    become_watch(ingestion, worker, os.path.abspath(settings.catalog_pointer))


def _start(*arguments: str, environ: Mapping[str, str] | None = None) -> Part:
    """A part of the same program, in the same process group: Ctrl-C reaches it as well.

    Its input is a pipe that ends with this process, killed or not, and then the part stops too.
    """
    reading, writing = os.pipe()
    try:
        process_id = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "indexer", "--part-of", program_name(), *arguments],
            {**ALLOCATORS, **_known_variables(), **(environ or {})},
            file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
            setsigdef=_IGNORED_BY_PYTHON,
        )
    finally:
        os.close(reading)
    return Part(process_id, writing)


def _known_variables() -> dict[str, str]:
    """What this process ignores it has named in its log: its parts need not do it again."""
    ignored = read_given().ignored
    return {name: value for name, value in os.environ.items() if name not in ignored}
