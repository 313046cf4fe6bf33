"""A ``cp`` that stops after the first pages until it may go on: what a slow disk looks like."""

from __future__ import annotations

import os
import sys
from pathlib import Path

SLOW = """#!{python}
import os, sys, time
source, target = sys.argv[-2:]
with open(source, "rb") as old, open(target, "wb") as new:
    new.write(old.read(65536))
    open({begun!r}, "w").close()
    while not os.path.exists({go!r}):
        time.sleep(0.01)
    new.write(old.read())
"""


class SlowDisk:
    """Copies of processes with this ``path`` stop in their midst."""

    def __init__(self, folder: Path) -> None:
        self._begun, self._go = folder / "begun", folder / "go"
        copy = folder / "bin" / "cp"
        copy.parent.mkdir()
        copy.write_text(
            SLOW.format(python=sys.executable, begun=str(self._begun), go=str(self._go))
        )
        copy.chmod(0o755)
        self.path = f"{copy.parent}:{os.environ['PATH']}"

    @property
    def has_begun(self) -> bool:
        """Whether a copy has its first pages."""
        return self._begun.exists()

    def go(self) -> None:
        """Copies go on."""
        self._go.touch()
