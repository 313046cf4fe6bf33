"""Files that SQL had to read value by value are looked at when it has answered, without a worker.

A worker looks at files when it is idle. Where there is none, as after a one-shot run, the first
question that reads much of a file makes the next one quick.
"""

import time
from pathlib import Path

from indexer.catalog.seen_scans import SeenFile, keep_seen
from indexer.index.scan_checks import scan_of
from indexer.query.payload_functions import UnseenFiles


def look_at_unseen(catalog: Path, unseen: UnseenFiles) -> None:
    """Look at the files, the newest first, for as long as it took to read columns of them.

    The one that is begun is looked at to its end. What cannot be kept is forgotten.
    """
    seen: dict[int, SeenFile] = {}
    until_s = time.monotonic() + unseen.seconds
    for file_id, file in sorted(unseen.files.items(), reverse=True):
        if file.footer_digest is not None:
            scan = scan_of(unseen.storage, file.info, file.footer_digest)
            if scan is not None:
                seen[file_id] = SeenFile(
                    footer_digest=file.footer_digest,
                    size_bytes=file.info.size_bytes,
                    modified_unix_nano=file.info.modified_unix_nano,
                    scan=scan,
                )
        if time.monotonic() > until_s:
            break
    keep_seen(catalog, seen)
