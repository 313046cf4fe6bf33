"""How the threads of a server share the interpreter."""

import sys

SWITCH_S = 0.0005
"""How long one thread keeps the interpreter from another. A request changes threads a dozen times,
and at Python's own 5 ms it waits that long each time while something is decoded or indexed."""


def answer_beside_work() -> None:
    """Let threads that answer interrupt those that work; for the start of a server's process."""
    sys.setswitchinterval(SWITCH_S)
