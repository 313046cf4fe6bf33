"""Modules that this program has no use for are not looked for, and all others are."""

import sys

import pyarrow as pa
import pytest

from indexer.system.interpreter import UNUSED, leave_unused_modules_out


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
