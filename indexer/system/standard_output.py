"""Standard output and error as they may be: a pipe that nobody reads, a terminal without UTF-8."""

import io
import os
import sys
from contextlib import suppress


def write_any_text() -> None:
    """Escape what the terminal's encoding lacks, where Python would raise UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def has_text(text: str) -> bool:
    """Whether standard output can write the text as it is."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_of_output(error: OSError) -> bool:
    """Whether what failed was to write to standard output: then it fails for a line end as well."""
    if error.filename is not None:
        return False
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except OSError as again:
        return again.errno == error.errno
    return False


def discard_output() -> None:
    """Whoever read it has gone: what is left goes nowhere, and the interpreter's end is quiet."""
    with suppress(OSError, ValueError):  # without a descriptor there is nothing to be flushed to
        output = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, output)
        os.close(nowhere)
