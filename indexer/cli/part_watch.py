"""Watch over the parts of ``up`` until one ends or a signal comes, and then stop all of them.

It is what the process of ``up`` becomes once it has started them: a Python that has loaded next to
nothing, because it stays for as long as they do. Of modules it has those of Python's own alone.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from indexer.system.stop_signals import (
    catch_stop_signals,
    ignore_stop_signals,
    signal_waiter,
)

LOOK_EVERY_S = 5.0
"""At its parts, should the signal of an end have been lost."""
STOP_S = 30.0
"""How long a part may take to stop: a last flush of everything in the log."""
_PROGRAM = """import sys
sys.path.insert(0, sys.argv[1])
from indexer.cli.part_watch import main
main(sys.argv[2])
"""


class Part:
    """A child of this process, whose input ends with it."""

    def __init__(self, process_id: int, input_number: int) -> None:
        """``input_number`` is the descriptor of this end of the pipe that the part reads."""
        self.process_id = process_id
        self.input_number = input_number
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, below 0 for a signal's; None while it runs."""
        if self._code is None:
            ended, status = os.waitpid(self.process_id, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.process_id, number)

    def close(self) -> int:
        """Kill it if it still runs, and end its input; its exit code."""
        self.tell(signal.SIGKILL)
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.process_id, 0)[1])
        os.close(self.input_number)
        return self._code


def become_watch(ingestion: Part, worker: Part, catalog: str) -> NoReturn:
    """Go on as another program in the same process, which has loaded little.

    Stop signals have to be blocked, and wait for that program. ``catalog`` is where the worker's
    socket lies beside. Raises OSError when this Python cannot be started again.
    """
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parts = [(one.process_id, one.input_number) for one in (ingestion, worker)]
    for _, number in parts:
        os.set_inheritable(number, True)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    given = json.dumps({"parts": parts, "catalog": catalog})
    # Neither folders of modules nor variables of the environment: there is nothing to find there.
    own = [sys.executable, "-I", "-S", "-c", _PROGRAM]
    os.execv(own[0], [*own, package, given, "up"])  # noqa: S606 - this program itself


def main(given: str) -> NoReturn:
    """The program that ``become_watch`` makes of its process."""
    values: dict[str, Any] = json.loads(given)
    for _, number in values["parts"]:
        os.set_inheritable(number, False)
    ingestion, worker = (Part(*one) for one in values["parts"])
    code = watch(ingestion, worker, values["catalog"])
    ignore_stop_signals()
    sys.exit(code)


def watch(ingestion: Part, worker: Part, catalog: str) -> int:
    """Until both have ended; 1 when one of them did by itself."""
    with signal_waiter() as wait:
        request = catch_stop_signals()
        while not request.is_made and all(one.poll() is None for one in (ingestion, worker)):
            wait(LOOK_EVERY_S)
        clean = request.is_made
        if clean:
            _ask(catalog, worker, "/ingestion-ending")
        clean = _stop(ingestion, wait) == 0 and clean
        _ask(catalog, worker, "/sweep")  # the last flush's file is found without the next start
        return 0 if _stop(worker, wait) == 0 and clean else 1


def _stop(part: Part, wait: Callable[[float], None]) -> int:
    part.tell(signal.SIGTERM)
    due_s = time.monotonic() + STOP_S
    while part.poll() is None and (left_s := due_s - time.monotonic()) > 0:
        wait(min(left_s, LOOK_EVERY_S))
    return part.close()


def _ask(catalog: str, worker: Part, action: str) -> None:
    """Have the worker do something before it stops; one that is stopping already needs nothing."""
    from pathlib import Path  # noqa: PLC0415 - loaded in the end, which comes once

    from indexer.clients.unix_socket import LocalClient  # noqa: PLC0415
    from indexer.errors import IndexerError  # noqa: PLC0415

    if worker.poll() is None:
        with suppress(IndexerError):
            LocalClient(Path(catalog)).post(action)
