"""What the kernel has in memory, without a disk: the same on every file system of Linux."""

import os
import sys
from collections.abc import Sequence

import pytest

from indexer.system import cached_storage

needs_preadv2 = pytest.mark.skipif(sys.platform != "linux", reason="preadv2(2) is of Linux")


def have_all_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is one of this machine, and there at once."""
    read = os.preadv

    def at_once(descriptor: int, buffers: Sequence[bytearray], offset: int, _: int) -> int:
        return read(descriptor, buffers, offset)

    monkeypatch.setattr(cached_storage, "is_local", lambda _: True)
    monkeypatch.setattr(os, "preadv", at_once)


def have_nothing_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read would wait for the disk."""

    def wait(*_: object) -> int:
        raise BlockingIOError

    monkeypatch.setattr(cached_storage, "is_local", lambda _: True)
    monkeypatch.setattr(os, "preadv", wait)
