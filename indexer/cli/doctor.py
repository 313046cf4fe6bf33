"""``doctor``: what a start would meet on this machine, and what to do about each finding."""

import argparse
import importlib.metadata
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from indexer.cli import render
from indexer.cli.human_values import size_text
from indexer.clients.unix_socket import LocalClient
from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.settings import Settings
from indexer.system.counted_nouns import counted
from indexer.system.program_name import as_typed

WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
CLOCK_STEP_S_MAX = 5.0
"""Between this machine's clock and the times that the storage gives files."""
FOLDERS_COUNTED_MAX = 100_000
PACKAGES = ("duckdb", "pyarrow", "grpcio", "protobuf", "pydantic", "fastapi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding; ``action`` says what to do, empty where there is nothing to do."""

    name: str
    ok: bool
    detail: str
    action: str = ""


def doctor(settings: Settings, options: argparse.Namespace) -> int:
    """Try everything that a start rests on; exit 1 when something has to be done."""
    found = [_tried(name, check, settings) for name, check in CHECKS.items()]
    if options.json:
        shown = [{name: getattr(one, name) for name in Check.__slots__} for one in found]
        render.write_json({"checks": shown})
    else:
        for one in found:
            sys.stdout.write(f"{'ok  ' if one.ok else 'FAIL'}  {one.name:<10}  {one.detail}\n")
            sys.stdout.write(f"      {'':<10}  {one.action}\n" if one.action else "")
    return 0 if all(one.ok for one in found) else 1


def _tried(name: str, check: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(name=name, ok=True, detail=check(settings))
    except IndexerError as error:
        return Check(name=name, ok=False, detail=error.message, action=as_typed(error.advice))
    except Exception as error:  # noqa: BLE001 - a finding as well
        detail = f"{type(error).__name__}: {error}"
        return Check(name=name, ok=False, detail=detail, action="Report it with this line.")


def _versions(_: Settings) -> str:
    found = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    return ", ".join([f"Python {sys.version.split()[0]}", *found])


def _paths(settings: Settings) -> str:
    from indexer.settings.paths import check_ingestion_paths, check_worker_paths  # noqa: PLC0415

    check_worker_paths(settings)
    check_ingestion_paths(settings)
    log = Path(settings.wal_path).absolute()
    return f"{settings.catalog_pointer}, {log} and {settings.ingestion_root} are usable"


def _ports(settings: Settings) -> str:
    from indexer.run import ports  # noqa: PLC0415 - with all that a start needs

    if LocalClient(settings.catalog_pointer).is_reachable():
        return "a worker is running, which has its ports"
    ports.check_ports(settings)
    return ", ".join(one.listen for one in ports.all_ports(settings)) + " are free"


def _watches(settings: Settings) -> str:
    if not settings.watch:
        return "INDEXER_WATCH is off: sweeps find new files"
    if not WATCHES.exists():
        return "this system has no limit of inotify"
    limit, folders = int(WATCHES.read_text()), sum(1 for _ in _folders(settings.storage_root))
    if folders >= limit:
        raise IndexerError(
            f"{counted(folders, 'folder')} below the storage root, and {limit:,} may be watched",
            hint="Raise fs.inotify.max_user_watches, or set INDEXER_WATCH=false.",
        )
    return f"{counted(folders, 'folder')} to watch of {limit:,}"


def _folders(root: str) -> Iterator[str]:
    for number, (folder, _, _) in enumerate(os.walk(root)):
        if number >= FOLDERS_COUNTED_MAX:
            return
        yield folder


def _clock(settings: Settings) -> str:
    """A file system of another host has a clock of its own, which says when a file is settled."""
    root = Path(settings.storage_root)
    folder = root if os.access(root, os.W_OK) else Path(tempfile.gettempdir())
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".clock.", suffix=".tmp") as file:
        step_s = os.fstat(file.fileno()).st_mtime - time.time()
    if abs(step_s) > CLOCK_STEP_S_MAX:
        raise IndexerError(
            f"the clock of {folder} is {step_s:+.0f} s off this machine's",
            hint="Keep both by NTP: times of files say when they are finished.",
        )
    return f"{folder} and this machine agree to {CLOCK_STEP_S_MAX:g} s"


def _memory(settings: Settings) -> str:
    from indexer.run.memory import total_bytes  # noqa: PLC0415 - as the ports

    needed, limit = sum(total_bytes(settings).values()), _memory_bytes()
    said = f"ingestion and worker together may use {size_text(needed)} of {size_text(limit)}"
    if needed > limit:
        raise IndexerError(
            said, hint="Lower INDEXER_MEMORY_LIMIT and the settings of caches and budgets."
        )
    return said


def _memory_bytes() -> int:
    """Of the container, else of the machine."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = CGROUP_LIMIT.read_text().strip() if CGROUP_LIMIT.exists() else "max"
    return machine if text == "max" else min(machine, int(text))


def _end_to_end(settings: Settings) -> str:
    """A span as a file, indexed and answered, in a folder of its own."""
    from indexer.cli.catalog_answers import catalog_answers  # noqa: PLC0415 - all engines
    from indexer.cli.sample_span import TRACE_ID, write_sample  # noqa: PLC0415 - same
    from indexer.index.reindex import run_once  # noqa: PLC0415 - same
    from indexer.system.clock import SystemClock  # noqa: PLC0415 - same

    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="span-indexer-") as folder:
        own = settings.replace(
            storage_path=Path(folder, "spans"), catalog_path=Path(folder, "catalog")
        )
        write_sample(Path(folder, "spans"))
        run_once(own, SystemClock(), lambda: False, lambda _: None)
        with catalog_answers(own, own.catalog_pointer.resolve()) as answers:
            spans = len(answers.trace(TRACE_ID).spans)
    if spans != 1:
        raise IndexerError(f"a file of one span was answered with {spans}", hint="Report it.")
    return f"a span was written, indexed and answered in {time.monotonic() - began_s:.1f} s"


CHECKS: dict[str, Callable[[Settings], str]] = {
    "versions": _versions,
    "paths": _paths,
    "ports": _ports,
    "watches": _watches,
    "clock": _clock,
    "memory": _memory,
    "end to end": _end_to_end,
}
