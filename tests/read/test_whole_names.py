"""A name that is cut in the index is read whole from the file, whoever wrote that."""

import pytest

from indexer.read.dialect_document import dialects
from indexer.read.limits import TEXT_BYTES_MAX
from indexer.read.metadata import read_parquet_metadata
from indexer.read.tally import Tally
from indexer.read.whole_names import may_be_cut, whole_names
from tests.read.read_back import put
from tests.support.dialect_files import LAYOUTS, OtelSpan
from tests.support.export_files import EXPORTS
from tests.support.span_files import T0, parquet_bytes

EVERY = {**LAYOUTS, **EXPORTS}
LONG = "SELECT " + "é" * 5_000 + " END"


def span(number: int, name: str) -> OtelSpan:
    return OtelSpan(
        trace_id=f"{1:032x}",
        span_id=f"{number:016x}",
        parent_span_id=None,
        service="shop",
        name=name,
        start=T0,
        duration=10**6,
        kind=2,
        status=0,
        message=None,
        attributes={},
        resource={},
        events=(),
        links=(),
    )


@pytest.mark.parametrize("name", EVERY)
def test_a_name_is_whole_in_every_dialect(tmp_path, name):
    rows = EVERY[name][2]([span(1, "GET /"), span(2, LONG), span(3, LONG + "!")])
    storage, info = put(tmp_path, parquet_bytes(rows))
    read = read_parquet_metadata(info.path)
    cut = {one.file_row_number: one.name for one in read.spans.rows() if may_be_cut(one.name)}
    assert sorted(cut) == [1, 2]
    dialect = next(one for one in dialects() if one.name == EVERY[name][0])
    tally = Tally()
    assert whole_names(storage, info, dialect, [2, 1], tally) == [LONG + "!", LONG]
    assert tally.text_bytes > 2 * 5_000


@pytest.mark.parametrize("letter", ["x", "é", "€", "\N{GRINNING FACE}"])
def test_only_a_name_without_room_for_a_letter_may_be_cut(letter):
    room = (TEXT_BYTES_MAX - 4) // len(letter.encode())
    assert not may_be_cut(letter * room)
    assert may_be_cut("x" * (TEXT_BYTES_MAX - 3))
    assert may_be_cut((letter * TEXT_BYTES_MAX).encode()[:TEXT_BYTES_MAX].decode(errors="ignore"))
