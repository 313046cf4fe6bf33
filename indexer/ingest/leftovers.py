"""What a process that was killed while it wrote a file has left beside the others."""

import os
from pathlib import Path

from indexer.ingest.layout import is_temporary


def remove_leftovers(root: Path) -> list[str]:
    """Delete what was not finished below a folder; the paths of what there was."""
    removed = []
    for folder, _, names in os.walk(root):
        for name in filter(is_temporary, names):
            path = Path(folder, name)
            path.unlink(missing_ok=True)
            removed.append(str(path))
    return removed
