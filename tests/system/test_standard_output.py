"""Output that a terminal cannot show is escaped, and one that nobody reads ends quietly.

One that cannot be written is said in a line.
"""

import io
import os
import subprocess
import sys

import pytest

from indexer.system.standard_output import has_text, write_any_text


def test_what_the_encoding_lacks_is_escaped(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr("sys.stdout", out)
    assert has_text("é")
    assert not has_text("█")
    write_any_text()
    out.write("é █")
    out.flush()
    assert out.buffer.getvalue() == b"\xe9 \\u2588"


@pytest.mark.process
def test_head_ends_a_command_quietly():
    done = run("settings | head -1")
    assert done.stdout.split() == ["setting", "value", "source", "meaning"]
    assert done.stderr == ""


@pytest.mark.process
@pytest.mark.parametrize("command", ["settings", "settings --json"])
def test_a_full_disk_is_said_in_a_line(command):
    done = run(f"{command} > /dev/full")
    said = "error: cannot write to standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def run(command):
    env = {name: value for name, value in os.environ.items() if not name.startswith("SPAN_TEST_")}
    line = f"{sys.executable} -m indexer {command}"
    return subprocess.run(
        ["bash", "-c", line], env=env, capture_output=True, text=True, timeout=100
    )
