"""The commands that write the catalog: run for ever, index once, rebuild."""

import argparse
import gc
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.cli.progress import ProgressReport
from indexer.index.reindex import rebuild, run_once
from indexer.settings import Settings
from indexer.system.allocation import keep_what_a_run_takes
from indexer.system.clock import SystemClock
from indexer.system.interpreter import collect_rarely
from indexer.system.stop_signals import catch_stop_signals, stopped_by_signals
from indexer.telemetry.log import RUN_STOPPING, log

EXIT_INTERRUPTED = 1
EXIT_QUARANTINED = 3


def run(settings: Settings, options: argparse.Namespace) -> int:
    """``python -m indexer``, with ``--once`` or ``--reindex``, and with ``--accept-removals``."""
    with _collected_less_often():
        return _run(settings, options)


def _run(settings: Settings, options: argparse.Namespace) -> int:
    if not (options.once or options.reindex):
        catch_stop_signals()
        import asyncio  # noqa: PLC0415 - a run that ends has no use for it

        from indexer.run.worker import serve  # noqa: PLC0415 - a one-shot run needs no server

        asyncio.run(serve(settings, SystemClock(), accept_removals=options.accept_removals))
        return 0
    keep_what_a_run_takes()
    run_all = rebuild if options.reindex else run_once
    with stopped_by_signals(_say_stopping) as stop, ProgressReport(as_json=options.json) as report:
        progress = run_all(
            settings,
            SystemClock(),
            lambda: stop.is_made,
            report.follow,
            accept_removals=options.accept_removals,
        )
        report.finish(progress)
    if stop.is_made:
        return EXIT_INTERRUPTED
    if options.strict and report.quarantined:
        return EXIT_QUARANTINED
    return 0


@contextmanager
def _collected_less_often() -> Iterator[None]:
    """What is loaded by now is never looked at."""
    is_outermost = gc.get_freeze_count() == 0
    gc.freeze()
    collect_rarely()
    try:
        yield
    finally:
        if is_outermost:
            gc.unfreeze()  # else DuckDB 2 reports every object of its module as leaked at the exit


def _say_stopping() -> None:
    log(RUN_STOPPING, "stopping: finishing the transaction in hand")
