"""Whatever one request makes the decoder raise, the others become rows."""

import pytest

from indexer.ingest.log_reader import LoggedRequest
from indexer.ingest.range_file import decode_each
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
        calls.append(len(bodies))
        return span_table(bodies)

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
        if body(1) in bodies:
            raise ZeroDivisionError("odd")
        return span_table(bodies)

    tables, bad = decode_each(logged(body(0), body(1)), decode)
    assert len(tables) == 1
    assert bad[0][1] == "ZeroDivisionError: odd"


def test_no_memory_is_nobodys_fault():
    def decode(_):
        raise MemoryError

    with pytest.raises(MemoryError):
        decode_each(logged(body(0)), decode)
