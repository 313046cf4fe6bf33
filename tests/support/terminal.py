"""A real terminal for a command: what it writes there, and keys that are pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import PATIENCE_S, REPOSITORY

CTRL_C = b"\x03"
COLUMNS, LINES = 100, 40
_START = (
    "import fcntl, sys, termios; "
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0); "  # keys that make signals are for its session
    "from indexer.__main__ import run; run()"
)
_MOVES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """``python -m indexer ARGUMENTS`` on a terminal of 100 columns, or another program of Python."""

    def __init__(
        self, *arguments: str, env: Mapping[str, str], program: str = _START, cwd: Path = REPOSITORY
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        kept = {name: text for name, text in env.items() if name not in {"COLUMNS", "NO_COLOR"}}
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=cwd,
            env={**kept, "TERM": "xterm-256color", "PYTHONPATH": str(REPOSITORY)},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._written = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def raw(self) -> str:
        """All that was written, with colours and movements of the cursor."""
        return self._written.decode(errors="replace")

    @property
    def lines(self) -> list[str]:
        """The same as lines without them."""
        return _MOVES.sub("", self.raw).replace("\r", "\n").replace("\n\n", "\n").split("\n")

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def wait(self) -> int:
        """Its exit code, once all that it wrote is here."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(PATIENCE_S)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                read = os.read(self._master, 65_536)
            except OSError:  # nobody has the other side open any more
                return
            if not read:
                return
            self._written += read
