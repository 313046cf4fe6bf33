"""The page of live tables is true: its code is run in order, and says what it shows."""

import contextlib
import io
import re
import socket

from indexer.live.limits import BYTES_MAX, ROWS_MAX
from indexer.live.sql import _ATTACH_OPTIONS
from tests.support.processes import REPOSITORY, free_ports

PAGE = (REPOSITORY / "docs" / "live_tables.md").read_text()
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_code_of_the_page_says_what_it_shows(tmp_path, monkeypatch):
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "none.duckdb"))
    port = _two_free_ports()
    names, said = {}, None
    for language, text in FENCED.findall(PAGE):
        code = text.replace("localhost:4317", f"localhost:{port}")
        if language == "python":
            said = _printed(code, names)
        elif language == "sql":
            rows = names["connection"].execute(code).fetchall()
            said = "".join("  ".join(_shown(value) for value in row) + "\n" for row in rows)
        else:
            assert said == text
    names["provider"].shutdown()
    names["connection"].close()


def test_every_option_of_the_page_is_one_and_has_its_default():
    options = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))
    assert list(options) == list(_ATTACH_OPTIONS)
    assert (options["max_rows"], options["max_bytes"]) == (
        f"{ROWS_MAX:,}",
        f"{BYTES_MAX >> 20} MiB",
    )


def _printed(code, names):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, names)  # noqa: S102 - the page's own code
    return printed.getvalue()


def _two_free_ports():
    """One after the other."""
    for _ in range(100):
        (port,) = free_ports(1)
        with contextlib.suppress(OSError), contextlib.closing(_listener(port + 1)):
            return port
    raise AssertionError("no two ports in a row are free")


def _listener(port):
    return socket.create_server(("127.0.0.1", port))


def _shown(value):
    return "NULL" if value is None else str(value)
