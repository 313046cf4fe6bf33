"""Stop in bounded time, even when a thread of the process never returns.

Python waits for its threads when a process ends. One that is inside a call to a volume that does
not answer would hold the process until it is killed, so the process ends without it.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

from indexer.telemetry.log import STOP_TIMED_OUT, log

EXIT_CODE = 1


async def run_until_stopped(
    work: Coroutine[Any, Any, None], stop: asyncio.Event, *, timeout_s: float
) -> None:
    """Await ``work``, which ends some time after ``stop``; raises what it raises.

    When it has not ended ``timeout_s`` after ``stop``, the process ends instead. As with a kill,
    nothing that was committed is lost.
    """
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    _, late = await asyncio.wait({working}, timeout=timeout_s)
    if late:
        _end_process(f"not stopped within {timeout_s:g} s: the process ends without its threads")
    await working


def _end_process(reason: str) -> NoReturn:
    log(STOP_TIMED_OUT, reason)
    logging.shutdown()
    sys.stderr.flush()
    os._exit(EXIT_CODE)
