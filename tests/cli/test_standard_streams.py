"""A standard stream that is closed, full or not read ends no command otherwise than in a line.

An answer that cannot be written is an error. A message that cannot be written is lost.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from indexer.cli.main import command_parser
from tests.support.examples import one_of
from tests.support.processes import REPOSITORY, Done, Site
from tests.support.span_files import spans
from tests.support.up import prepare

pytestmark = [pytest.mark.process]

SERVICES = {"up", "ingest", "poll"}
TRACE = f"{1:032x}"
FILE, OTLP = "a.parquet", "spans.json"
COMMANDS = {
    "": ["--once", "--json"],
    "help": ["search", "--help"],
    "version": ["--version"],
    "usage": ["search", "--limit"],
    "convert": ["convert", "{otlp}", "--to", "{made}"],
    "import": ["import", "{made}/none.json"],
    "trace": ["trace", TRACE],
    "trace --summary": ["trace", TRACE, "--summary"],
    "trace --format": ["trace", TRACE, "--format", "markdown"],
    "files": ["files"],
    "quarantine": ["quarantine", "--json"],
    "traces": ["traces"],
    "services": ["services"],
    "spans": ["spans", "junjo.span_type"],
    "search": ["search", "--json"],
    "search --traces": ["search", "--traces"],
    "tail": ["tail"],
    "export": ["export"],
    "sql": ["sql", "SELECT * FROM otel_spans", "--format", "csv"],
    "sql --json": ["sql", "SELECT * FROM otel_spans", "--json"],
    "status": ["status"],
    "dialect": ["dialect", "{file}"],
    "doctor": ["doctor"],
    "settings": ["settings"],
    "flush": ["flush"],
    "mastra-backup": ["mastra-backup", "{made}/copy"],
    "audit": ["audit"],
}
MESSAGES = ("2>&-", "2>/dev/full", "<&-")
ANSWERS = {">&-": "Bad file descriptor", ">/dev/full": "No space left on device"}
UNREAD = "| true"
ALL_CLOSED = "<&- >&- 2>&-"
STREAMS = one_of(*MESSAGES, *ANSWERS, UNREAD, ALL_CLOSED)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("streams"))
    prepare(site)
    site.write(FILE, spans(3))
    assert site.call("--once").code == 0
    (site.folder / OTLP).write_text(site.call("export").out)
    yield site
    site.close()


def words_of(name: str, site: Site) -> list[str]:
    places = {"made": site.folder / "made", "otlp": site.folder / OTLP, "file": site.root / FILE}
    return [word.format_map(places) for word in COMMANDS[name]]


def run(site: Site, words: list[str], streams: str, **env: str) -> Done:
    line = f"set -o pipefail; {shlex.join([sys.executable, '-m', 'indexer', *words])} {streams}"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=REPOSITORY,
        env={**site.env, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return Done(code=done.returncode, out=done.stdout, err=done.stderr)


def test_every_command_is_asked() -> None:
    (commands,) = (
        one.choices for one in command_parser()._actions if isinstance(one.choices, dict)
    )
    assert set(commands) - SERVICES == {
        words[0] for words in COMMANDS.values() if words[0][0] != "-"
    }


@pytest.mark.parametrize("unbuffered", one_of("", "1"))
@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_as_it_does_or_says_what_it_could_not_write(
    site: Site, name: str, streams: str, unbuffered: str
) -> None:
    words = words_of(name, site)
    usual = site.call(*words)
    done = run(site, words, streams, PYTHONUNBUFFERED=unbuffered)
    for fault in ("Traceback", "Exception", "lost sys"):
        assert fault not in done.err
    if streams in MESSAGES or not usual.out:
        assert (done.code, bool(done.out)) == (usual.code, bool(usual.out)), done.err
    elif streams == UNREAD:
        assert done.code in (usual.code, 1)
        assert "error: " not in done.err
    else:
        assert (done.code, done.out) == (1, "")
    if streams in ANSWERS and usual.out:
        last = done.err.splitlines()[-1]
        assert last == f"error: cannot write to standard output: {ANSWERS[streams]}"


def test_what_is_opened_gets_no_number_of_a_closed_stream(site: Site) -> None:
    """Libraries that write a warning there would write into the catalog."""
    program = (
        "import os, sys; from indexer.system.standard_output import have_standard_streams as have;"
        "have(); number = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "os.write(2, b'warning'); sys.stderr.write('warning'); print('answer');"
        "ways = [os.readlink(f'/proc/self/fd/{one}') for one in range(3)];"
        "sys.exit(ways != [os.devnull] * 3 or number < 3 or os.fstat(number).st_size)"
    )
    file = site.folder / "opened"
    line = shlex.join([sys.executable, "-c", program, str(file)])
    done = subprocess.run(["bash", "-c", f"{line} <&- >&- 2>&-"], cwd=REPOSITORY, timeout=100)
    assert (done.returncode, file.read_bytes()) == (120, b"")  # Python's own, of the answer


@pytest.mark.parametrize("command", one_of("", "up"))
def test_a_service_runs_without_standard_streams(site: Site, command: str) -> None:
    line = shlex.join([sys.executable, "-m", "indexer", *filter(None, [command])])
    running = site.start_command(["bash", "-c", f"exec {line} {ALL_CLOSED}"])
    site.wait_ready(running)
    status = site.status()
    assert status is not None
    assert status["files"] == 1
    assert site.end(running) == 0
    assert running.err == ""
