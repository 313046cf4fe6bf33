"""Output that a terminal cannot show is escaped, and a pipe that nobody reads ends quietly."""

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
    command = f"{sys.executable} -m indexer settings | head -1"
    env = {name: value for name, value in os.environ.items() if not name.startswith("SPAN_TEST_")}
    done = subprocess.run(
        ["bash", "-c", command], env=env, capture_output=True, text=True, timeout=100
    )
    assert done.stdout.split() == ["setting", "value", "source", "meaning"]
    assert done.stderr == ""
