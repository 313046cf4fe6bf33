"""Whatever one request makes the decoder raise, the others become rows, and it is kept."""

import pytest

from indexer.errors import RefusedFull
from indexer.ingest import range_file
from indexer.ingest.log_reader import LoggedRequest
from indexer.ingest.range_file import BLOCK_BYTES, decode_each, keep_refused
from indexer.otlp.spans import span_table
from tests.ingest.bodies import UNDECODABLE, body


def logged(*bodies):
    keys = [bytes([number]) * 16 for number in range(len(bodies))]
    return [
        LoggedRequest(key=key, body=one, span_count=1)
        for key, one in zip(keys, bodies, strict=True)
    ]


def test_good_requests_are_decoded_together():
    calls = []

    def decode(bodies):
        found = list(bodies)
        calls.append(len(found))
        return span_table(found)

    tables, bad = decode_each(logged(body(0), body(1)), decode)
    assert [table.num_rows for table in tables] == [2]
    assert (calls, bad) == ([2], [])


def test_bad_ones_are_found_one_by_one():
    requests = logged(body(0), UNDECODABLE, body(1), UNDECODABLE)
    tables, bad = decode_each(requests, span_table)
    assert sum(table.num_rows for table in tables) == 2
    assert [request for request, _ in bad] == [requests[1], requests[3]]
    assert bad[0][1].startswith("InvalidOtlp: ")


def test_an_error_of_the_decoder_itself_is_one_requests_error():
    def decode(bodies):
        found = list(bodies)
        if body(1) in found:
            raise ZeroDivisionError("odd")
        return span_table(found)

    tables, bad = decode_each(logged(body(0), body(1)), decode)
    assert len(tables) == 1
    assert bad[0][1] == "ZeroDivisionError: odd"


def test_no_memory_is_nobodys_fault():
    def decode(_):
        raise MemoryError

    with pytest.raises(MemoryError):
        decode_each(logged(body(0)), decode)


def test_what_is_refused_is_kept_while_there_is_room(tmp_path, monkeypatch):
    """The same one again takes no more room; moved away, it makes room; small ones count too."""
    folder = tmp_path / "refused"
    monkeypatch.setattr(range_file, "REFUSED_BYTES_MAX", 2 * BLOCK_BYTES)
    first = keep_refused(folder, "1.otlp", b"one")
    keep_refused(folder, "2.otlp", b"two")
    keep_refused(folder, "2.otlp", b"two")
    with pytest.raises(RefusedFull, match=r"8192 bytes"):
        keep_refused(folder, "3.otlp", b"three")
    assert sorted(path.name for path in folder.iterdir()) == ["1.otlp", "2.otlp"]
    first.unlink()
    assert keep_refused(folder, "3.otlp", b"three").read_bytes() == b"three"
