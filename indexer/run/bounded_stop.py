"""A stop that ends in time, also when a thread of the process does not come back.

Python waits for its threads when a process ends. One that is inside a call to a volume that does
not answer would hold the process until somebody kills it, so it is left behind.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

from indexer.telemetry.log import STOP_TIMED_OUT, log

EXIT_CODE = 1


async def live_until_stopped(
    life: Coroutine[Any, Any, None], stop: asyncio.Event, *, timeout_s: float
) -> None:
    """Await ``life``, which ends some time after ``stop``; raises what it raises.

    Does not return when it has not ended ``timeout_s`` after ``stop``: the process ends then.
    Nothing that was committed is lost by it, as by a kill.
    """
    living = asyncio.ensure_future(life)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    _, late = await asyncio.wait({living}, timeout=timeout_s)
    if late:
        _end_process(f"not stopped within {timeout_s:g} s: the process ends without its threads")
    await living


def _end_process(reason: str) -> NoReturn:
    log(STOP_TIMED_OUT, reason)
    logging.shutdown()
    sys.stderr.flush()
    os._exit(EXIT_CODE)
