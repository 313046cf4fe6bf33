"""Where a flushed file lies and what it is called, as a pure function of the keys in it.

A flush that is replayed after a crash has the same keys, so it has the same name and takes the
place of what it left behind. Nothing under the storage root is ever removed whose name is not
one of ours.
"""

import os
import re
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from indexer.wire.keys import key_unix_nano

SECOND_NS = 1_000_000_000
_SPAN_FILE = re.compile(r"(\d{8}_\d{6})_[0-9a-f]{16}\.parquet")
_SNAPSHOT = re.compile(r"hot_snapshot-[0-9a-f]{32}\.parquet")
_TEMPORARY = re.compile(r"\.(?P<target>.+)\.\d+\.tmp")


def span_file(root: Path, first_key: bytes, last_key: bytes) -> Path:
    """The file of the requests from one key to another; its time is the first one's, in UTC."""
    began = datetime.fromtimestamp(key_unix_nano(first_key) // SECOND_NS, UTC)
    digest = blake2b(first_key + last_key, digest_size=8).hexdigest()
    return root / f"{began:year=%Y/month=%m/day=%d}" / f"{began:%Y%m%d_%H%M%S}_{digest}.parquet"


def snapshot_file(folder: Path, newest_key: bytes) -> Path:
    """The hot snapshot that ends with this key."""
    return folder / f"hot_snapshot-{newest_key.hex()}.parquet"


def temporary_file(target: Path) -> Path:
    """Where this process writes a file before it has its name; in the same folder, hidden."""
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def file_unix_nano(name: str) -> int | None:
    """The time in a flushed file's name; None for a name that is not one of ours."""
    matched = _SPAN_FILE.fullmatch(name)
    if matched is None:
        return None
    try:
        began = datetime.strptime(matched[1], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # digits that are not a date
        return None
    return int(began.timestamp()) * SECOND_NS


def is_snapshot(name: str) -> bool:
    """Whether this is the name of a hot snapshot."""
    return _SNAPSHOT.fullmatch(name) is not None


def is_temporary(name: str) -> bool:
    """Whether a process of ours was writing the file of this name."""
    matched = _TEMPORARY.fullmatch(name)
    return matched is not None and bool(
        _SPAN_FILE.fullmatch(matched["target"]) or _SNAPSHOT.fullmatch(matched["target"])
    )
