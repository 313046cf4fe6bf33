"""A command that asks a running worker is quick to start: it loads no engine of its own."""

import sys

import pytest

from tests.support.processes import Site
from tests.support.served import StubHost, serving

ENGINES = {"duckdb", "pyarrow", "numpy", "grpc", "fastapi", "asyncio"}
OTHERS = {
    "rich",
    "shutil",
    "tempfile",
    "hmac",
    "http.client",
    "email.parser",
    "ssl",
    "tomllib",
    "indexer.otlp",
    "indexer.model",
    "pydantic",
    "indexer.cli.help_texts",
    "indexer.cli.waterfall",
}
"""Each takes longer to load than the worker takes to answer."""
RUN = """
import sys
from indexer.__main__ import run
try:
    run()
finally:
    sys.stderr.write("\\nloaded " + " ".join(sys.modules))
"""


STATUS = {"state": "running", "healthy": True, "problems": []}


@pytest.mark.process
@pytest.mark.parametrize("arguments", [["--help"], ["status"]])
def test_a_command_that_a_worker_answers_loads_no_engine(tmp_path, arguments):
    site = Site(tmp_path, pointer=tmp_path / "index.duckdb")
    try:
        with serving(host=StubHost(**STATUS), socket_folder=tmp_path):
            command = site.start_command([sys.executable, "-c", RUN, *arguments])
            command.wait()
    finally:
        site.close()
    loaded = set(command.err.rpartition("\nloaded ")[2].split())
    assert "indexer.cli.main" in loaded
    of_help = {"indexer.cli.help_texts"} if arguments == ["--help"] else set()
    assert loaded & (ENGINES | OTHERS) == of_help
    assert arguments == ["--help"] or "running" in command.out
