"""Run one command and say how long it took and how much memory it had at most.

A process of its own, because a child's peak includes what its parent held when it was started:
this one imports nothing large. The command's own output comes first, one line of JSON last.

    python -m tests.benchmark.launch COMMAND ARGUMENT...
"""

import json
import os
import subprocess
import sys
import time

_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes that ``ru_maxrss`` counts in."""


def main(command: list[str]) -> int:
    """The command's exit code."""
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    facts = {
        "seconds": seconds,
        "peak_bytes": usage.ru_maxrss * _UNIT,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
    }
    print(json.dumps(facts), flush=True)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
