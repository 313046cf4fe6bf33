"""A command that asks a running worker is quick to start: it loads no engine of its own."""

import re
import subprocess
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


def modules_of(code):
    """What a Python has loaded that runs the code, which prints it."""
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())


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


def test_without_a_worker_a_command_of_the_index_alone_loads_no_reader_of_spans():
    """Of ``status``, ``files`` and SQL over the catalog's tables: DuckDB and Arrow are their cost."""
    code = "import sys, indexer.cli.commands, indexer.cli.sql; print(*sys.modules)"
    loaded = modules_of(code)
    assert "duckdb" in loaded
    rooms = ("read", "spans", "otlp", "hot", "mastra", "live", "parquet")
    others = ("pydantic", "google", "grpc", "opentelemetry", "rich")
    unwanted = re.compile(rf"(indexer\.({'|'.join(rooms)})|{'|'.join(others)})(\.|$)")
    limits = {"indexer.read", "indexer.read.limits"}
    assert [name for name in loaded if unwanted.match(name) and name not in limits] == []


@pytest.mark.process
def test_the_process_that_receives_loads_nothing_that_only_files_need():
    """Arrow and numpy would be half of its memory; the process that writes files has them."""
    loaded = modules_of("import sys, indexer.run.ingestion; print(*sys.modules)")
    assert "grpc" in loaded
    assert loaded & {"pyarrow", "numpy", "duckdb", "fastapi", "pydantic"} == set()


def test_a_question_without_a_worker_loads_no_model_of_a_request_and_no_route():
    """Its tiers and their readers are cost enough."""
    code = (
        "import sys, indexer.query.answers, indexer.clients.shared.answer_json; print(*sys.modules)"
    )
    loaded = modules_of(code)
    assert "indexer.query.answers" in loaded
    assert (
        loaded
        & {
            *("pydantic", "fastapi", "starlette", "grpc", "google", "indexer.otlp"),
            *("pyarrow.compute", "pyarrow.parquet"),
            "indexer.mastra.records",
        }
        == set()
    )
    words = modules_of("import sys, indexer.cli.option_words; print(*sys.modules)")
    assert words & {"pydantic", "fastapi", "starlette"} == set()


@pytest.mark.process
def test_a_run_that_indexes_once_loads_no_server():
    names = "import sys, indexer.cli.runs, indexer.index.oneshot; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "duckdb" in loaded
    assert loaded & {"asyncio", "fastapi", "uvicorn", "grpc", "pydantic", "opentelemetry"} == set()
