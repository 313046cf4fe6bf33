"""A writing process that dies is replaced, and it does not outlive its parent."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from indexer.ingest.writer_process import WriterProcess
from indexer.system.child_process import ChildProcess
from tests.ingest.bodies import append, body, deadly, files_below
from tests.support.processes import REPOSITORY, wait_until

pytestmark = pytest.mark.process


def test_a_dead_process_is_replaced_and_the_flush_repeated(
    make_flusher, wal, root, tmp_path, monkeypatch
):
    mark = tmp_path / "died"
    monkeypatch.setenv("SPAN_TEST_MARK", str(mark))
    append(wal, body(0), body(1))
    process = WriterProcess()
    try:
        (done,) = make_flusher(process=process, decode=deadly).flush_all()
    finally:
        process.close()
    assert mark.exists()
    assert done.span_count == 2
    assert len(files_below(root)) == 1


def test_a_process_that_keeps_dying_is_told_and_the_next_call_works():
    process = WriterProcess()
    try:
        with pytest.raises(BrokenProcessPool):
            process.run(os._exit, 9)
        assert process.run(abs, -1) == 1
    finally:
        process.close()


def test_what_is_raised_there_is_raised_here(spawned):
    with pytest.raises(ValueError, match="invalid literal"):
        spawned.run(int, "x")


PARENT = """
import os, time
from indexer.ingest.writer_process import WriterProcess
from indexer.system.child_process import ChildProcess
if __name__ == "__main__":
    print(WriterProcess().run(os.getpid), flush=True)
    time.sleep(60)
"""


def test_it_ends_when_its_parent_was_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    with parent:
        child = int(parent.stdout.readline())
        assert _alive(child)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not _alive(child), "the child's end")


def _alive(process_id):
    """Running, and not a zombie that nobody waits for."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_process_that_has_nothing_to_do_ends_and_the_next_call_starts_another():
    process = ChildProcess(idle_s=0.05)
    try:
        first = process.run_once(os.getpid)
        wait_until(lambda: not _runs(first), "the end of a process that rests")
        assert process.run_once(os.getpid) != first
    finally:
        process.close()


def test_a_process_at_work_is_not_ended_however_long_it_takes():
    process = ChildProcess(idle_s=0.01)
    try:
        assert process.run_once(_busy_for, 0.2) == "done"
    finally:
        process.close()


def _busy_for(seconds):
    time.sleep(seconds)
    return "done"


def _runs(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
