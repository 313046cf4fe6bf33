"""Tables that commands of SQL are given column by column, by handle, for as long as one may ask."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

import pyarrow as pa

from indexer.clients.operations.handed_files import HandedFile
from indexer.clients.shared.time_limits import ACTION_S
from indexer.deferred_dataclass import dataclass
from indexer.errors import HotUnavailable
from indexer.query.tiers.published_payload import PublishedColumns
from indexer.system.clock import Clock

HELD_MAX = 8
"""Tables of commands that run at once, two each. Most of their memory is that of the hot tier
itself."""
HELD_S = ACTION_S
"""After its last column; a command gives its table back when it ends."""

Columns = Callable[[], pa.Table | PublishedColumns]
"""What has them. The first call may take as long as decoding takes."""


@dataclass(slots=True)
class _Held:
    columns: Columns
    used_s: float
    files: Sequence[HandedFile] = ()


class HeldTables:
    """Those of one worker, the one that was used last at the end. For any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._lock = Lock()

    def hold(self, columns: Columns) -> str:
        """Its handle; of too many tables the one that was not used for longest goes."""
        self.drop_old()
        handle = secrets.token_hex(16)
        with self._lock:
            self._held[handle] = _Held(columns, self._clock.monotonic_s())
            while len(self._held) > HELD_MAX:
                self._held.popitem(last=False)
        return handle

    def keep_files(self, handle: str, files: Sequence[HandedFile]) -> None:
        """They are there as long as the table. Raises HotUnavailable for one that is gone."""
        with self._lock:
            self._used(handle).files = files

    def columns(self, handle: str, names: Sequence[str]) -> pa.Table:
        """Those of the columns that there are. Raises HotUnavailable for one that is gone."""
        with self._lock:
            held = self._used(handle)
        found = held.columns()
        table: pa.Table = found.select([name for name in names if name in found.column_names])
        return table

    def release(self, handle: str) -> None:
        """Nobody asks for it any more."""
        with self._lock:
            self._held.pop(handle, None)

    def drop_old(self) -> None:
        """Those of commands that ended without a word."""
        with self._lock:
            self._drop_old()

    def _used(self, handle: str) -> _Held:
        self._drop_old()
        held = self._held.get(handle)
        if held is None:
            raise HotUnavailable("the hot spans of this question are not held any more")
        held.used_s = self._clock.monotonic_s()
        self._held.move_to_end(handle)
        return held

    def _drop_old(self) -> None:
        old = self._clock.monotonic_s() - HELD_S
        for handle in [one for one, held in self._held.items() if held.used_s < old]:
            del self._held[handle]
