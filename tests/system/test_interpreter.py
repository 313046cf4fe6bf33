"""Modules that this program has no use for are not looked for; garbage, when it matters."""

import gc
import os
import subprocess
import sys
from types import SimpleNamespace

import pyarrow as pa
import pytest

from indexer.system.interpreter import (
    RARELY,
    UNUSED,
    USUALLY,
    collect_as_usual,
    collect_rarely,
    leave_algebra_threads_out,
    leave_garbage,
    leave_unused_modules_out,
)


@pytest.fixture
def _left_out(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in UNUSED:
        monkeypatch.delitem(sys.modules, name, raising=False)
    leave_unused_modules_out()


@pytest.mark.usefixtures("_left_out")
@pytest.mark.parametrize("name", sorted(UNUSED))
def test_a_module_without_use_is_absent(name):
    with pytest.raises(ModuleNotFoundError, match=name):
        __import__(name)


@pytest.mark.usefixtures("_left_out")
def test_other_modules_are_found_and_types_are_inferred():
    sys.modules.pop("this_is_no_module", None)
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        __import__("this_is_no_module")
    assert pa.array([1, None, 2]).type == pa.int64()


@pytest.mark.usefixtures("_left_out")
def test_a_second_time_changes_nothing():
    before = list(sys.meta_path)
    leave_unused_modules_out()
    assert sys.meta_path == before


def test_garbage_is_looked_for_rarely_until_a_service_is_loaded():
    before = gc.get_threshold()
    try:
        collect_rarely()
        assert gc.get_threshold() == RARELY
        collect_as_usual()
        assert gc.get_threshold() == USUALLY
    finally:
        gc.set_threshold(*before)


@pytest.mark.parametrize(("version", "leaves"), [("1.5.5", True), ("2.0.0", False)])
def test_a_process_that_ends_looks_for_no_garbage_unless_duckdb_counts_it(
    monkeypatch, version, leaves
):
    monkeypatch.setitem(sys.modules, "duckdb", SimpleNamespace(__version__=version))
    before = gc.get_freeze_count()
    try:
        leave_garbage()
        assert (gc.get_freeze_count() > before) is leaves
    finally:
        gc.unfreeze()


_THREADS = """
import os, sys
from indexer.cli import main
assert "numpy" not in sys.modules
main.leave_algebra_threads_out()
import numpy
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_loading_numpy_starts_no_thread():
    environ = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    found = subprocess.run(
        [sys.executable, "-c", _THREADS], env=environ, capture_output=True, check=True, text=True
    )
    assert found.stdout == "1\n"


def test_what_the_environment_says_of_threads_holds(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    leave_algebra_threads_out()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
