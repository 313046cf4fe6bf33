"""``audit``: the catalog is proved against the files, as they are now."""

import argparse
from dataclasses import asdict

from indexer.cli import render
from indexer.cli.source import Source
from indexer.discover.listing import list_files
from indexer.index import audit as audits
from indexer.settings import Settings
from indexer.system.clock import SystemClock
from indexer.system.storage import LocalStorage


def audit(settings: Settings, options: argparse.Namespace) -> int:
    """Prove the catalog against the files; exit 1 when something differs."""
    listing = list_files(LocalStorage(settings.storage_root))
    path = Source(settings).still_catalog(after_sweep=True)
    with render.steps(enabled=not options.json) as step:
        report = audits.audit(
            settings,
            path,
            SystemClock(),
            listing=listing,
            mode="fast" if options.fast else "full",
            step=step,
        )
    if options.json:
        render.write_json({**asdict(report), "passed": report.passed})
    else:
        render.audit_report(report)
    return 0 if report.passed else 1
