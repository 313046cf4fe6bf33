"""Standard streams as they may be: closed, a pipe that nobody reads, a terminal without UTF-8.

An answer that cannot be written is an error, which is said. A message that cannot be written is
lost, and nothing else is.
"""

import io
import os
import sys
from contextlib import suppress
from typing import Any

_INPUT, _OUTPUT, _ERROR = 0, 1, 2
_NOWHERE = {_INPUT: os.O_RDONLY, _OUTPUT: os.O_RDONLY, _ERROR: os.O_WRONLY}
"""What is opened in place of a closed one: an input at its end, an output that refuses what is
written as a closed one does, and a standard error that takes it."""


class _Messages(io.FileIO):
    """Where messages go, whether or not they arrive."""

    def write(self, content: Any, /) -> int:
        """How much it was."""
        try:
            return super().write(content)
        except OSError:
            return len(content)


def have_standard_streams() -> None:
    """For the start of a process: open those that are closed, and let no message end it.

    The next file would get the number of a closed one, and be written to by libraries that know no
    better. Children have what is opened as well.
    """
    for number, flags in _NOWHERE.items():
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)  # the smallest free one: those below are open
            os.set_inheritable(opened, True)
    if sys.stdin is None:
        sys.stdin = open(_INPUT, encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays
    if sys.stdout is None:
        sys.stdout = open(_OUTPUT, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - same
    encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
    messages = io.BufferedWriter(_Messages(_ERROR, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(messages, encoding, "backslashreplace", line_buffering=True)


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


def flush_or_discard() -> None:
    """Write what is left; where it cannot be, the command has ended with another error already."""
    try:
        sys.stdout.flush()
    except OSError:
        discard_output()


def discard_output() -> None:
    """Whoever read it has gone: what is left goes nowhere, and the interpreter's end is quiet."""
    with suppress(OSError, ValueError):  # without a descriptor there is nothing to be flushed to
        output = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, output)
        os.close(nowhere)
