"""Rows of segments are made once, whoever asks for them, and kept while there is room."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pyarrow as pa
import pytest

from indexer.live.ring import Segment
from indexer.live.rows import KeptRows

ASKERS = 4
TOGETHER_S = 0.3
"""Long enough for threads that make rows at once to meet."""


def _segment() -> Segment:
    return Segment(pieces=(), first_row=0, rows=3, first_byte=0, size_bytes=24, is_sealed=True)


def _rows(first: int = 0) -> pa.RecordBatch:
    return pa.record_batch({"number": pa.array([first, first + 1, first + 2], pa.int64())})


@pytest.mark.parametrize("bytes_max", [1 << 20, 0])
def test_threads_that_ask_at_once_have_rows_made_once(bytes_max: int) -> None:
    kept, segment = KeptRows(bytes_max), _segment()
    meeting = Barrier(ASKERS)
    made: list[int] = []

    def make() -> pa.RecordBatch:
        made.append(len(made))
        with suppress(BrokenBarrierError):
            meeting.wait(TOGETHER_S)
        return _rows(len(made))

    with ThreadPoolExecutor(ASKERS) as pool:
        asked = [pool.submit(kept.get, segment, "traces", make) for _ in range(ASKERS)]
        answers = [one.result() for one in asked]
    assert made == [0]
    assert all(answer is answers[0] for answer in answers)


def test_rows_that_could_not_be_made_are_tried_again() -> None:
    kept, segment = KeptRows(1 << 20), _segment()

    def fail() -> pa.RecordBatch:
        raise ValueError("not this time")

    with pytest.raises(ValueError, match="not this time"):
        kept.get(segment, "traces", fail)
    assert kept.get(segment, "traces", _rows).num_rows == 3


def test_rows_go_with_their_segment() -> None:
    kept, segment = KeptRows(1 << 20), _segment()
    kept.get(segment, "traces", _rows)
    assert kept.bytes == _rows().nbytes
    del segment
    assert kept.bytes == 0


def test_rows_of_another_table_are_others() -> None:
    kept, segment = KeptRows(1 << 20), _segment()
    first = kept.get(segment, "traces", _rows)
    assert not kept.get(segment, "unified", lambda: _rows(7)).equals(first)
    assert kept.get(segment, "traces", lambda: _rows(7)).equals(first)
