"""Processes whose every change of files below a folder is written down, and that record, read.

The recorder is a few C functions before the C library's own, so SQLite, Python and Arrow are
recorded alike, in every process; it has to be compiled, so without a C compiler there is none.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("recorder.c")
CREATE, WRITE, TRUNCATE, MAKE_FOLDER, RENAME, UNLINK, SYNC_BEGINS, SYNC_ENDS, ACKNOWLEDGED = (
    "cwtmrubea"
)
_HEAD = struct.Struct("<BBHHIIQq")


@dataclass(frozen=True, slots=True)
class Change:
    """One call that has returned, or a number that somebody was told is safe."""

    kind: str
    path: str = ""
    other: str = ""
    """The new name, of a rename."""
    is_folder: bool = False
    thread: int = 0
    inode: int = 0
    offset: int = 0
    """Or the length, of a truncation; or the number, of an acknowledgement."""
    data: bytes = b""


class Recording:
    """The record of one folder, while it is made and after it."""

    def __init__(self, recorder: Path, folder: Path, file: Path) -> None:
        self.folder = folder
        self._file = file
        self.env = {
            "LD_PRELOAD": str(recorder),
            "SPAN_TEST_RECORD": str(file),
            "SPAN_TEST_RECORD_ROOT": str(folder),
        }
        """Of each process that is to be recorded."""
        self._lock = threading.Lock()
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def acknowledged(self, number: int) -> None:
        """Somebody was told that it is safe; any thread may call."""
        head = _HEAD.pack(ord(ACKNOWLEDGED), 0, 0, 0, 0, 0, 0, number)
        with self._lock:
            os.write(self._descriptor, head)

    def close(self) -> None:
        os.close(self._descriptor)

    def changes(self) -> Iterator[Change]:
        """All of it, in order."""
        record = memoryview(self._file.read_bytes())
        at = 0
        while at < len(record):
            kind, is_folder, path, other, thread, size, inode, offset = _HEAD.unpack_from(
                record, at
            )
            ends = [at + _HEAD.size]
            for part in (path, other, size):
                ends.append(ends[-1] + part)
            at = ends[-1]
            texts = [bytes(record[one:end]) for one, end in pairwise(ends)]
            yield Change(
                chr(kind),
                texts[0].decode(),
                texts[1].decode(),
                bool(is_folder),
                thread,
                inode,
                offset,
                texts[2],
            )


@pytest.fixture(scope="session")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library to preload."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("recording what a process writes needs a C compiler, `cc`")
    library = tmp_path_factory.mktemp("recorder") / "recorder.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return library
