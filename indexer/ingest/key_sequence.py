"""Keys for logged requests that ascend whatever the wall clock does.

Each key is made from the one before it, and the first one after a restart from the newest in the
log: random within a new millisecond, counting up within an old one.
"""

import os

from indexer.system.clock import Clock
from indexer.wire.keys import KEY_BYTES, MILLISECOND_NS, TIME_BYTES

_RANDOM_BITS = 8 * (KEY_BYTES - TIME_BYTES)
_RANDOM_HEADROOM = (1 << (_RANDOM_BITS - 1)) - 1
"""Half of the room stays free for counting up within one millisecond."""


class KeySequence:
    """Keys for one log, made by one thread."""

    def __init__(self, newest_key: bytes, clock: Clock) -> None:
        self._value = int.from_bytes(newest_key, "big")
        self._clock = clock

    def next(self) -> bytes:
        """A key above every earlier one, of this millisecond if the clock allows."""
        now_ms = self._clock.now_unix_nano() // MILLISECOND_NS
        if now_ms > self._value >> _RANDOM_BITS:
            random = int.from_bytes(os.urandom(_RANDOM_BITS // 8), "big") & _RANDOM_HEADROOM
            self._value = (now_ms << _RANDOM_BITS) | random
        else:
            self._value += 1
        return self._value.to_bytes(KEY_BYTES, "big")
