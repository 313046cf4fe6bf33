"""The socket beside the catalog is for its owner alone, from the moment it has its name."""

import os
import stat
import subprocess
import sys

import pytest

from indexer.clients.unix_socket import LocalClient, bind, socket_path

BINDS = """
import os, sys
from pathlib import Path
from indexer.clients import unix_socket as local
os.umask(int(sys.argv[2], 8))
local.set_mode = lambda path, mode, real=local.set_mode: isinstance(path, int) and real(path, mode)
local.bind(Path(sys.argv[1]))
assert os.umask(0) == int(sys.argv[2], 8)
"""


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_nobody_else_reaches_it_even_for_a_moment(tmp_path, umask):
    """Its mode is there before its name, and the umask of other threads is left alone."""
    catalog = tmp_path / "index.duckdb"
    subprocess.run([sys.executable, "-c", BINDS, catalog, f"{umask:o}"], check=True)
    assert stat.S_IMODE(socket_path(catalog).stat().st_mode) == 0o600


def test_a_umask_that_takes_the_owners_bits_is_made_up_for(tmp_path):
    catalog = tmp_path / "index.duckdb"
    before = os.umask(0o277)
    try:
        with bind(catalog):
            assert stat.S_IMODE(socket_path(catalog).stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_socket_that_a_killed_worker_left_is_replaced(tmp_path):
    catalog = tmp_path / ("long" * 40) / "index.duckdb"
    catalog.parent.mkdir()
    bind(catalog).close()
    assert not LocalClient(catalog).is_reachable()
    with bind(catalog):
        assert LocalClient(catalog).is_reachable()
