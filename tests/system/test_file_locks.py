"""Who has a database open is asked of the kernel, and asking changes nothing."""

import sys

import duckdb
import pytest

from indexer.system.file_locks import user_of, writer_of
from tests.support.processes import Site, wait_until

pytestmark = [pytest.mark.duckdb, pytest.mark.process]
OPEN = """
import duckdb, sys
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reader")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["writer", "reader"])
def test_a_process_that_has_it_open_is_named_and_goes_on_having_it(site: Site, how: str) -> None:
    path = site.folder / "x.duckdb"
    duckdb.connect(str(path)).close()
    assert (writer_of(path), user_of(path)) == (None, None)
    other = site.start_command([sys.executable, "-c", OPEN, str(path), how])
    wait_until(lambda: other.out, lambda: f"an open database: {other.err}")
    for _ in range(2):
        assert writer_of(path) == (other.pid if how == "writer" else None)
        assert user_of(path) == other.pid
    with pytest.raises(duckdb.IOException, match="lock"):
        duckdb.connect(str(path))
    other.kill()
    assert user_of(path) is None


def test_what_is_no_file_is_in_nobodys_hand(tmp_path) -> None:
    assert user_of(tmp_path / "missing") is None
    assert user_of(tmp_path) is None
