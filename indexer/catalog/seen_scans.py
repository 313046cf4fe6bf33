"""What sessions of SQL saw of files while no worker ran, in the user's own temporary folder.

The catalog has one owner, and a session changes nothing beside it. What is here is of the same kind
as ``file_scans``: it holds of a registered file of the same footer, size and time, a worker finds
it out by itself, and it may be deleted at any time.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from indexer.contracts import schema_version
from indexer.deferred_dataclass import dataclass
from indexer.spans.file_scan import FileScan
from indexer.system.duckdb_connection import user_folder
from indexer.system.durable_files import replacing
from indexer.system.permissions import PRIVATE_FILE

FILES_MAX = 10_000
"""Files that are remembered, the newest: 4 MB, which a session reads in 30 ms."""
CATALOGS_MAX = 16
"""Catalogs of which something is remembered, the last ones."""
_NAME = "seen-*.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """A file that was looked at."""

    footer_digest: str
    size_bytes: int
    modified_unix_nano: int
    scan: FileScan

    @property
    def identity(self) -> tuple[str, int, int]:
        """What tells that a registered file is this one."""
        return self.footer_digest, self.size_bytes, self.modified_unix_nano


def read_seen(catalog: Path) -> dict[int, SeenFile]:
    """By ``file_id``; nothing where there is no such file, or one of another version."""
    remembered = _remembered(catalog)
    if remembered is None:
        return {}
    try:
        content = json.loads(remembered.read_bytes())
        if content["version"] != schema_version():
            return {}
        return {int(file_id): _seen(**one) for file_id, one in content["files"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def keep_seen(catalog: Path, seen: Mapping[int, SeenFile]) -> None:
    """Remember these files with those of earlier sessions, as far as the folder lets it.

    Of two sessions that end at once, one is remembered.
    """
    if not seen:
        return
    known = {**read_seen(catalog), **seen}
    newest = sorted(known)[-FILES_MAX:]
    files = {str(file_id): asdict(known[file_id]) for file_id in newest}
    content = json.dumps({"version": schema_version(), "files": files}).encode()
    target = _remembered(catalog)
    with suppress(OSError):
        if target is None:
            return
        with replacing(target, target.with_suffix(f".{os.getpid()}"), PRIVATE_FILE) as file:
            file.write(content)
        kept = sorted(target.parent.glob(_NAME), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-CATALOGS_MAX]:
            path.unlink(missing_ok=True)


def _remembered(catalog: Path) -> Path | None:
    """None where this user has no folder that is nobody else's."""
    folder = user_folder()
    name = blake2b(os.fsencode(os.path.abspath(catalog)), digest_size=16).hexdigest()
    return folder and folder / _NAME.replace("*", name)


def _seen(scan: dict[str, Any], **identity: Any) -> SeenFile:
    lists: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in scan.items()
    }
    return SeenFile(scan=FileScan(**lists), **identity)
