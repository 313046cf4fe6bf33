"""Arrow's kernels are those of pyarrow, loaded with the first that is used."""

import subprocess
import sys
from pathlib import Path

import pyarrow.compute
import pytest

import indexer
from indexer.system import arrow_compute


def test_a_kernel_is_that_of_arrow():
    assert arrow_compute.equal is pyarrow.compute.equal
    assert vars(arrow_compute)["equal"] is pyarrow.compute.equal


def test_an_unknown_kernel_is_no_attribute():
    with pytest.raises(AttributeError, match="no_such_kernel"):
        _ = arrow_compute.no_such_kernel


@pytest.mark.process
def test_what_uses_kernels_loads_them_with_the_first_use():
    code = (
        "import sys, pyarrow as pa\n"
        "from indexer.system import arrow_compute as pc\n"
        "print('pyarrow.compute' in sys.modules)\n"
        "pc.equal(pa.array([1]), 1)\n"
        "print('pyarrow.compute' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "True"]


def test_no_room_loads_kernels_with_itself():
    folder = Path(indexer.__file__).parent
    line = "import pyarrow.compute as"
    assert [one for one in folder.rglob("*.py") if line in one.read_text("utf-8")] == []
