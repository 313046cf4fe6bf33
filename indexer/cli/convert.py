"""``convert``: OTLP files become span Parquet for the index, with logs and metrics beside it."""

import argparse
import sys
import warnings
from pathlib import Path

from indexer.cli import render
from indexer.errors import IndexerError
from indexer.otlp.files.scan import SkippedRecords
from indexer.settings import Settings
from indexer.system.counted_nouns import counted
from indexer.system.terminal_text import escape_text


def convert(settings: Settings, options: argparse.Namespace) -> int:
    """Convert each file; exit 1 when one could not be, or lacks what was damaged in it."""
    from indexer.run.conversion import check_target, convert_file  # noqa: PLC0415 - as poll

    target = Path(options.to)
    check_target(target, settings.storage_root)
    code = 0
    for name in options.files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SkippedRecords)
                done = convert_file(name, target, settings.file_modes)
        except (IndexerError, OSError) as error:
            sys.stderr.write(f"error: {escape_text(str(error))}\n")
            code = 1
            continue
        stats = done.stats
        render.write_json(
            {"file": name, "rows": done.rows, "written": done.written, "skipped": stats.skipped}
        )
        if stats.skipped:
            sys.stderr.write(
                f"{escape_text(name)}: skipped {counted(stats.skipped, 'malformed record')}; "
                f"the first at byte {stats.error_offset}: {escape_text(stats.first_error or '')}\n"
            )
            code = 1
    return code
