"""The C library is told what to keep, where it can be."""

import ctypes
import platform
import subprocess
import sys

import pyarrow as pa
import pytest

from indexer.system import allocation


@pytest.fixture
def told(monkeypatch):
    """What mallopt is called with; this process stays as it is."""
    found = []

    class Library:
        def mallopt(self, name, count):
            found.append((name, count))
            return 1

    monkeypatch.setattr(allocation.ctypes, "CDLL", lambda _: Library())
    return found


def test_as_much_is_kept_as_a_request_takes(told):
    assert allocation.keep_what_a_request_takes()
    assert told == [(-1, allocation.TRIM_BYTES), (-3, allocation.MAP_BYTES)]


def test_a_run_that_ends_keeps_what_it_takes(told):
    assert allocation.keep_what_a_run_takes()
    assert told == [(-1, 1 << 30), (-3, 32 << 20)]


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(allocation.ctypes, "CDLL", lambda _: object())
    assert not allocation.keep_what_a_request_takes()
    assert not allocation.keep_what_a_run_takes()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is of glibc")
def test_glibc_has_it():
    """And takes what it is told, in a process of its own."""
    said = "from indexer.system import allocation as a; print(a.keep_what_a_run_takes())"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, check=True, text=True)
    assert hasattr(ctypes.CDLL(None), "mallopt")
    assert done.stdout == "True\n"


def test_large_buffers_lie_in_a_pool_that_gives_them_back():
    assert allocation.pool_of_large_buffers().backend_name == "jemalloc"


def test_without_that_pool_they_lie_in_arrows_own(monkeypatch):
    def lacks():
        raise NotImplementedError

    monkeypatch.setattr(pa, "jemalloc_memory_pool", lacks)
    own = allocation.pool_of_large_buffers.__wrapped__()
    assert own.backend_name == pa.default_memory_pool().backend_name
