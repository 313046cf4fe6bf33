"""``import``: the spans of OTLP files are sent to an OTLP address, as their SDK would have."""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from indexer.cli import render
from indexer.errors import IndexerError
from indexer.otlp.files.scan import SkippedRecords
from indexer.settings import Settings
from indexer.system.counted_nouns import counted
from indexer.system.terminal_text import escape_text
from indexer.telemetry.log import error_console

if TYPE_CHECKING:
    from indexer.run.otlp_sender import Sent

_ANY = ("0.0.0.0", "[::]", "")  # noqa: S104 - nothing is bound here
"""Where a service listens that is asked on this machine."""


def import_files(settings: Settings, options: argparse.Namespace) -> int:
    """Send each file; exit 1 when one could not be sent, or not all of it."""
    from indexer.run.otlp_sender import send_file, sender  # noqa: PLC0415 - as poll

    address = sender(options.to or own_address(settings), settings.api_key.get_secret_value())
    code = 0
    with _progress() as show:
        for name in options.files:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", SkippedRecords)
                    sent = send_file(name, address, show)
            except (IndexerError, OSError) as error:
                sys.stderr.write(f"error: {escape_text(name)}: {escape_text(str(error))}\n")
                code = 1
                continue
            skipped = sent.stats.skipped
            render.write_json(
                {"file": name, "spans": sent.spans, "rejected": sent.rejected, "skipped": skipped}
            )
            if sent.rejected:
                sys.stderr.write(f"{escape_text(name)}: rejected: {escape_text(sent.reason)}\n")
            code = 1 if skipped or sent.rejected else code
    return code


def own_address(settings: Settings) -> str:
    """Where the ingestion of these settings takes OTLP over HTTP."""
    host, _, port = settings.otlp_http_listen.rpartition(":")
    return f"{'127.0.0.1' if host in _ANY else host}:{port or 4318}"


@contextmanager
def _progress() -> Iterator[Callable[["Sent"], None]]:
    """A line on a terminal that says how far it is; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import (  # noqa: PLC0415 - only a terminal pays for it
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    speed = (TransferSpeedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *speed, console=error_console(), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(sent: "Sent") -> None:
            said = f"{escape_text(sent.stats.file)}: {counted(sent.spans, 'span')}"
            total = None if sent.stats.compression not in ("", "none") else _size(sent.stats.file)
            bar.update(task, description=said, completed=sent.stats.bytes, total=total)

        yield show


def _size(name: str) -> int | None:
    try:
        return os.stat(name).st_size
    except OSError:
        return None
