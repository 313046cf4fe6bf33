"""Whatever would ask DuckDB is left to those who may wait for it."""

import pytest

from indexer.system.cached_storage import MustWait
from indexer.system.no_statements import no_statements


def test_each_statement_is_left_to_others():
    connection = no_statements()
    with pytest.raises(MustWait):
        connection.execute("SELECT 1")
    with pytest.raises(MustWait):
        connection.register("spans", None)
    connection.close()
    connection.interrupt()
