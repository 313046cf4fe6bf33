"""Ctrl-C ends a command in the middle of its work: one line, exit 1, and nothing half written."""

import os
import signal
import socket
import threading
from contextlib import closing, contextmanager

import pytest

from indexer.cli import render
from indexer.cli.main import EXIT_INTERRUPTED, main
from indexer.index.reindex import run_once
from indexer.run import conversion
from indexer.settings import load_settings
from indexer.system import stop_signals
from indexer.system.clock import SystemClock
from tests.support.otlp_samples import FOLDER
from tests.support.span_files import spans, write

pytestmark = [pytest.mark.duckdb]


def press_ctrl_c(*_):
    """What a terminal sends, to this process; its main thread runs the command."""
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def as_a_command(monkeypatch, tmp_path):
    """Handlers of a command, its paths below the test's folder; all put back."""
    monkeypatch.setenv("JUNJO_SPAN_STORAGE_PATH", str(tmp_path / "spans"))
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "index.duckdb"))
    (tmp_path / "spans").mkdir()
    present = {number: signal.getsignal(number) for number in stop_signals.STOP_SIGNALS}
    stop_signals.interrupt_on_stop_signals()
    yield
    for number, handler in present.items():
        signal.signal(number, handler)
    stop_signals._Interruption.at_s = None


def interrupted(arguments, capsys):
    """Whether the command said just that, and nothing on standard output."""
    code = main(arguments)
    said = capsys.readouterr()
    return (code, said.out, said.err) == (EXIT_INTERRUPTED, "", "interrupted\n")


def test_convert_leaves_no_file_of_what_it_was_writing(monkeypatch, tmp_path, capsys):
    written = conversion._TableFile.write

    def write_and_stop(file, batch):
        written(file, batch)
        press_ctrl_c()

    monkeypatch.setattr(conversion._TableFile, "write", write_and_stop)
    source, target = str(FOLDER / "logs_simple.binpb"), tmp_path / "converted"
    assert interrupted(["convert", source, "--to", str(target)], capsys)
    assert [path for path in target.rglob("*") if path.is_file()] == []


def test_import_ends_while_the_address_takes_its_time(capsys):
    with closing(socket.create_server(("127.0.0.1", 0))) as address:

        def take():
            channel, _ = address.accept()
            channel.recv(1)
            taken.append(channel)
            press_ctrl_c()

        taken, taking = [], threading.Thread(target=take)
        taking.start()
        port = address.getsockname()[1]
        source = str(FOLDER / "traces_simple.jsonl")
        assert interrupted(["import", source, "--to", f"127.0.0.1:{port}"], capsys)
        taking.join()
        taken[0].close()


def test_audit_ends_between_two_of_its_steps(monkeypatch, tmp_path, capsys):
    write(tmp_path / "spans" / "a.parquet", spans(3))
    run_once(load_settings(), SystemClock(), lambda: False, lambda _: None)

    @contextmanager
    def stopping(*, enabled):
        yield press_ctrl_c

    monkeypatch.setattr(render, "steps", stopping)
    assert interrupted(["audit"], capsys)
