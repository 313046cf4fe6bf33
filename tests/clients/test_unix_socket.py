"""The socket beside the catalog is for its owner alone, from the moment it has its name."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.clients import unix_socket
from indexer.clients.unix_socket import LocalClient, bind, socket_path
from indexer.errors import InvalidId, QueryRefused, TransientError
from tests.support.deadlines import is_over
from tests.support.processes import REPOSITORY, Site, wait_until
from tests.support.served import StubHost, serving

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


@pytest.mark.parametrize("descriptors", ["/proc/self/fd", "/nowhere"])
def test_a_socket_that_a_killed_worker_left_is_replaced(tmp_path, monkeypatch, descriptors):
    """Also below a path that is longer than an address, on a system without /proc as well."""
    monkeypatch.setattr(unix_socket, "_DESCRIPTORS", Path(descriptors))
    catalog = tmp_path / ("long" * 40) / "index.duckdb"
    catalog.parent.mkdir()
    bind(catalog).close()
    assert not LocalClient(catalog).is_reachable()
    with bind(catalog):
        assert LocalClient(catalog).is_reachable()


class Unhurried(StubHost):
    """Its one question lasts until it is told to end."""

    def __init__(self):
        super().__init__()
        self.begun, self.ended = [], []

    @property
    def answers(self):
        return self

    def trace(self, query, deadline, **_):
        deadline.will_wait()
        trace_id = query.trace_id
        self.begun.append(trace_id)
        wait_until(lambda: is_over(deadline), "a question that is told to end", deadline_s=60)
        self.ended.append(trace_id)
        deadline.check()


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_question_of_a_command_that_is_killed_ends(tmp_path, number):
    """Nobody waits for its answer any more, so that its place is free for the next one."""
    host = Unhurried()
    site = Site(tmp_path, pointer=tmp_path / "index.duckdb")
    try:
        with serving(host=host, socket_folder=tmp_path):
            command = site.start_command(
                [sys.executable, "-m", "indexer", "trace", f"{7:032x}"], cwd=REPOSITORY
            )
            wait_until(lambda: host.begun, lambda: f"the question: {command.err}")
            command.signal(number)
            command.wait()
            wait_until(lambda: host.ended == [f"{7:032x}"], "the end of the question")
    finally:
        site.close()


def test_a_refusal_is_raised_in_the_words_of_the_worker(tmp_path):
    """As what the command would raise over the catalog itself, in exit code and in text."""

    class Refusing(StubHost):
        @property
        def answers(self):
            return self

        def trace(self, query, deadline, **_):
            raise InvalidId(f"invalid trace ID {query.trace_id!r}", hint="So.")

        def rows(self, listed, limit, deadline):
            raise TransientError("not now", hint="Later.")

    with serving(host=Refusing(), socket_folder=tmp_path) as served:
        client = LocalClient(served.operator.catalog)
        for asked, kind, message, hint in (
            (f"/api/v1/traces/{7:032x}", QueryRefused, f"invalid trace ID '{7:032x}'", "So."),
            ("/files", TransientError, "not now", "Later."),
        ):
            with pytest.raises(kind) as refused:
                client.get(asked)
            assert (refused.value.message, refused.value.advice) == (message, hint)


def test_a_question_that_no_head_holds_is_refused_before_it_is_asked(tmp_path):
    with pytest.raises(QueryRefused, match="the query has"):
        LocalClient(tmp_path / "index.duckdb").get("/spans", value="x" * 40_000)
