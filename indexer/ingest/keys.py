"""Names that ascend: the ULID of each logged request, and of each span in it.

A key is 48 bits of milliseconds and 80 bits that are random within a new millisecond and count up
within an old one. It ascends whatever the wall clock does, because each key is made from the one
before it, and the first one after a restart from the newest in the log.
"""

import os

from indexer.system.clock import Clock

KEY_BYTES = 16
ORDINAL_BYTES = 4
SPAN_KEY_BYTES = KEY_BYTES + ORDINAL_BYTES
MILLISECOND_NS = 1_000_000
_RANDOM_BITS = 80
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


def key_unix_nano(key: bytes) -> int:
    """When the key was made, as its maker's clock had it, in whole milliseconds."""
    return int.from_bytes(key[:6], "big") * MILLISECOND_NS


def span_key(key: bytes, ordinal: int) -> bytes:
    """The key of a request's span by its place; these ascend as the requests and spans do."""
    return key + ordinal.to_bytes(ORDINAL_BYTES, "big")


def key_before(key: bytes) -> bytes:
    """The largest key below this one: what to read after in order to begin with it."""
    value = int.from_bytes(key, "big")
    return b"" if value == 0 else (value - 1).to_bytes(KEY_BYTES, "big")


def after_last_span(key: bytes) -> bytes:
    """A span key that no span of this request exceeds."""
    return key + b"\xff" * ORDINAL_BYTES
