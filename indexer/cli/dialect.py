"""``dialect``: which dialect a span file is taken for, or why it is not a file of spans."""

import argparse
import os
import sys
from typing import Any

from indexer.cli import render
from indexer.errors import FileVanished, IndexerError
from indexer.settings import Settings
from indexer.system.program_name import as_typed
from indexer.system.terminal_text import escape_text


def dialect(settings: Settings, options: argparse.Namespace) -> int:
    """Read the metadata of each file as indexing it does; exit 1 when one would be refused."""
    refused = 0
    for name in options.files:
        try:
            found = _found(name, settings)
        except IndexerError as error:
            sys.stderr.write(f"{escape_text(name)}: {escape_text(error.message)}\n")
            sys.stderr.write(
                f"hint: {escape_text(as_typed(error.advice))}\n" if error.advice else ""
            )
            refused += 1
            continue
        if options.json:
            render.write_json(found)
        else:
            render.facts({key: value for key, value in found.items() if value not in (None, [])})
    return 1 if refused else 0


def _found(name: str, settings: Settings) -> dict[str, Any]:
    """What indexing would take the file for. Raises FileError, TransientError."""
    # Arrow takes longer to load than all else that a command line needs.
    from indexer.read.dialect_document import dialects  # noqa: PLC0415
    from indexer.read.metadata import batch, read_file  # noqa: PLC0415
    from indexer.system.storage import LocalStorage  # noqa: PLC0415

    path = os.path.abspath(name)
    inside = LocalStorage(settings.storage_root).relative(path)
    # A folder above the root says nothing; of a file elsewhere, any folder may.
    storage = LocalStorage(settings.storage_root if inside else "/")
    entry = storage.stat(inside or path.lstrip("/"))
    if entry is None:
        raise FileVanished("there is no such file", path=name, hint="Give the path of a file.")
    (file,) = batch([read_file(storage, entry.info)]).files
    titles = {one.name: one.title for one in dialects()}
    return {
        "file": name,
        "dialect": file.dialect,
        "title": titles[file.dialect],
        "spans": len(file.spans),
        "rejected_spans": file.rejected_spans,
        "rejected_example": file.rejected_example,
        "missing_columns": list(file.missing_columns),
    }
