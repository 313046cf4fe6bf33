"""The bytes of a key: the ULID of each logged request, and of each span in it. Pure.

A request's key is 48 bits of milliseconds and 80 bits that make it unique; a span's is its
request's and the span's place in it. Both ascend in the order in which spans were acknowledged.
"""

KEY_BYTES = 16
TIME_BYTES = 6
ORDINAL_BYTES = 4
SPAN_KEY_BYTES = KEY_BYTES + ORDINAL_BYTES
MILLISECOND_NS = 1_000_000


def key_unix_nano(key: bytes) -> int:
    """When the key was made, as its maker's clock had it, in whole milliseconds."""
    return int.from_bytes(key[:TIME_BYTES], "big") * MILLISECOND_NS


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
