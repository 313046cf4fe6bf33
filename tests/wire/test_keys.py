"""Keys of spans stand between those of their request and of the next one."""

from indexer.wire.keys import after_last_span, key_before, span_key


def test_span_keys_lie_between_their_request_and_the_next():
    key = bytes(range(16))
    following = (int.from_bytes(key, "big") + 1).to_bytes(16, "big")
    assert key < span_key(key, 0) < span_key(key, 256) < after_last_span(key) < following
    assert key_before(following) == key
    assert key_before(bytes(16)) == b""
