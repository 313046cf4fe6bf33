"""Let permissions bind these tests, whoever runs them: root gives up what overrides them.

Capabilities belong to a thread (man 7 capabilities), and the threads that it starts have its own:
nothing else in the process changes.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """A file or folder without permission cannot be read by this thread, nor by ones it starts."""
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("permissions do not bind the root user")
    had = _capabilities()
    _set_effective(had.effective & ~_OVERRIDES)
    try:
        yield
    finally:
        _set_effective(had.effective)


def _capabilities() -> _Set:
    sets = (_Set * 2)()
    _call("capget", sets)
    return sets[0]


def _set_effective(effective: int) -> None:
    sets = (_Set * 2)()
    _call("capget", sets)
    sets[0].effective = effective
    _call("capset", sets)


def _call(name: str, sets: ctypes.Array[_Set]) -> None:
    header = _Header(_VERSION, 0)
    if getattr(ctypes.CDLL(None, use_errno=True), name)(ctypes.byref(header), sets) != 0:
        raise OSError(ctypes.get_errno(), name)
